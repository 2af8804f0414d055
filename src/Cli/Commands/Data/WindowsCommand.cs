using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data windows</c>: what training will see, as BED lines, Parquet rows or a summary.</summary>
internal sealed class WindowsCommand
{
    private static readonly JsonSerializerOptions s_oneLine = new() { WriteIndented = false };

    private static readonly OutputOptions s_replace = new() { Force = true };

    private readonly ConfigSource _source = new();
    private readonly Option<int> _epoch = new("--epoch") { Description = "Which pass over the data, from 0", HelpName = "N" };
    private readonly Option<long?> _first = new("--first") { Description = "Only the first N samples of the epoch", HelpName = "N" };
    private readonly Option<bool> _sorted = new("--sorted") { Description = "In the genome's order instead of training order; holds all windows in memory" };
    private readonly Option<bool> _json = new("--json") { Description = "A summary as one JSON object instead of the windows" };
    private readonly Option<string?> _out = new("--out", "-o") { Description = "File to write: .bed, .bed.gz (BGZF) or .parquet [default: standard output]", HelpName = "FILE" };

    private readonly Option<string> _split = new("--split")
    {
        Description = "train, validation or test",
        HelpName = "PART",
        DefaultValueFactory = _ => "train",
    };

    internal static Command Create(CommandRunner runner)
    {
        var self = new WindowsCommand();
        Command verb = runner.Verb("windows", "List the windows that training will see", context => Task.FromResult(self.Run(context)));
        self._source.AddTo(verb);
        self._split.AcceptOnlyFromAmong("train", "validation", "test");
        self._epoch.Validators.Add(r => NotNegative(r, r.GetValueOrDefault<int>()));
        self._first.Validators.Add(r => NotNegative(r, r.GetValueOrDefault<long?>() ?? 0));
        verb.Add(self._split);
        verb.Add(self._epoch);
        verb.Add(self._first);
        verb.Add(self._sorted);
        verb.Add(self._json);
        verb.Add(self._out);
        return verb
            .WithExample("genoseq data windows -c configs/demo.yaml --first 20", "The first windows of a recipe, in training order")
            .WithExample("genoseq data windows genome.fa.gz data.context_length=4096 --sorted -o windows.bed", "All windows of a genome, in its order")
            .WithExample("genoseq data windows hg38.fa data.split_bed=human-sequences.bed data.windows=caduceus data.context_length=131072 --json", "Counts, and the bases that splits share")
            .WithExample("genoseq data windows -c configs/demo.yaml --split validation", "What validation reads");
    }

    private int Run(CommandContext context)
    {
        RunConfig config = _source.ResolveData(context);
        SplitPart part = Enum.Parse<SplitPart>(context.Parse.GetValue(_split)!, ignoreCase: true);
        int epoch = context.Parse.GetValue(_epoch);
        long first = context.Parse.GetValue(_first) ?? long.MaxValue;
        string? file = context.Parse.GetValue(_out);
        bool json = context.Parse.GetValue(_json);
        if (file is not null && !IsBed(file) && !IsParquet(file) && !(json && file.EndsWith(".json", StringComparison.Ordinal)))
        {
            throw new ConfigException(new ConfigProblem("", $"windows cannot be written as '{Path.GetFileName(file)}'", null, "a name that ends in .bed, .bed.gz or .parquet (with --json: .json)"));
        }

        using var data = new TrainingData(config);
        foreach (string warning in data.Split.Warnings)
        {
            context.Reporter.Warn(warning);
        }

        var windows = new EpochWindows(data, config, part, epoch);
        if (json)
        {
            string summary = Summary(data, config, windows, part, epoch, first).ToJsonString(s_oneLine) + "\n";
            if (file is null)
            {
                context.Streams.Out.Write(summary);
            }
            else
            {
                using AtomicOutput output = AtomicOutput.Create(file, s_replace);
                output.Stream.Write(Encoding.UTF8.GetBytes(summary));
                output.Commit();
            }

            return ExitCodes.Ok;
        }

        IEnumerable<SeenInterval> seen = windows.InOrder(first);
        if (context.Parse.GetValue(_sorted))
        {
            SeenInterval[] all = [.. seen];
            Array.Sort(all, static (a, b) => (a.Interval.Contig, a.Interval.Start, a.Sample).CompareTo((b.Interval.Contig, b.Interval.Start, b.Sample)));
            seen = all;
        }

        if (file is null)
        {
            WriteBed(context.Streams.Out, data.Genome, seen, context.Stop);
        }
        else if (IsParquet(file))
        {
            WindowList.WriteParquet(data.Genome, seen.Select(s => new ListedWindow(s.Sample, s.Segment, s.Interval, s.Flipped, s.Fill)), epoch, file, overwrite: true, context.Stop);
        }
        else
        {
            using BedWriter writer = BedWriter.Create(file, s_replace);
            WriteBed(writer, data.Genome, seen, context.Stop);
            if (!context.Stop.IsCancellationRequested)
            {
                writer.Commit();
            }
        }

        return context.Stop.IsCancellationRequested ? ExitCodes.Interrupted : ExitCodes.Ok;
    }

    // Columns of BED6: the name is the sample's index (and, in a pack, the place in it), the score how much of the row is filled.
    private static void WriteBed(TextWriter writer, GenomeSource genome, IEnumerable<SeenInterval> seen, CancellationToken stop)
    {
        foreach (SeenInterval s in seen)
        {
            if (stop.IsCancellationRequested)
            {
                return;
            }

            writer.Write(string.Create(CultureInfo.InvariantCulture,
                $"{genome.Contigs[s.Interval.Contig].Name}\t{s.Interval.Start}\t{s.Interval.End}\t{NameOf(s)}\t{ScoreOf(s)}\t{StrandOf(s)}\n"));
        }
    }

    private static void WriteBed(BedWriter writer, GenomeSource genome, IEnumerable<SeenInterval> seen, CancellationToken stop)
    {
        foreach (SeenInterval s in seen)
        {
            if (stop.IsCancellationRequested)
            {
                return;
            }

            writer.Write(genome.Contigs[s.Interval.Contig].Name, s.Interval.Start, s.Interval.End, NameOf(s), ScoreOf(s), StrandOf(s));
        }
    }

    private static string NameOf(SeenInterval s) => s.Segment >= 0
        ? string.Create(CultureInfo.InvariantCulture, $"{s.Sample}.{s.Segment}")
        : s.Sample.ToString(CultureInfo.InvariantCulture);

    private static string ScoreOf(SeenInterval s) => ((int)Math.Round(1000 * s.Fill)).ToString(CultureInfo.InvariantCulture);

    private static string StrandOf(SeenInterval s) => s.Flipped ? "-" : "+";

    private static JsonObject Summary(TrainingData data, RunConfig config, EpochWindows windows, SplitPart part, int epoch, long first)
    {
        IReadOnlyList<GenomeInterval> intervals = part switch
        {
            SplitPart.Train => data.Split.Train,
            SplitPart.Validation => data.Split.Validation,
            _ => data.Split.Test,
        };
        long bases = new IntervalSet(intervals).Bases;
        long covered = windows.CoveredBases(first);
        JsonObject manifest = data.Describe();
        return new JsonObject
        {
            ["split"] = part.ToString().ToLowerInvariant(),
            ["epoch"] = epoch,
            ["rule"] = ConfigNames.Policy.ConvertName(config.Data.Windows.ToString()),
            ["length"] = config.Data.ContextLength,
            ["first_sample"] = windows.First,
            ["windows_per_epoch"] = windows.Count,
            ["windows_listed"] = Math.Min(first, windows.Count),
            ["split_bases"] = bases,
            ["covered_bases"] = covered,
            ["covered_share"] = bases == 0 ? 0 : (double)covered / bases,
            ["shared_bases"] = data.SharedBases,
            ["excluded_intervals"] = part == SplitPart.Train ? manifest["excluded_intervals"]!.DeepClone() : 0,
            ["excluded_bases"] = part == SplitPart.Train ? manifest["excluded_bases"]!.DeepClone() : 0,
            ["excluded"] = part == SplitPart.Train ? manifest["excluded"]!.DeepClone() : new JsonArray(),
            ["sources"] = manifest["sources"]!.DeepClone(),
        };
    }

    private static bool IsBed(string file) => file.EndsWith(".bed", StringComparison.Ordinal) || file.EndsWith(".bed.gz", StringComparison.Ordinal);

    private static bool IsParquet(string file) => file.EndsWith(".parquet", StringComparison.Ordinal);

    private static void NotNegative(System.CommandLine.Parsing.OptionResult result, long value)
    {
        if (value < 0)
        {
            result.AddError($"{result.Option.Name} must not be negative");
        }
    }
}
