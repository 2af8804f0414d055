using System.CommandLine;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data windows</c>: what training will see, as BED lines or as a summary.</summary>
internal sealed class WindowsCommand
{
    private static readonly JsonSerializerOptions s_oneLine = new() { WriteIndented = false };

    private readonly ConfigSource _source = new();
    private readonly Option<int> _epoch = new("--epoch") { Description = "Which pass over the data, from 0", HelpName = "N" };
    private readonly Option<long?> _first = new("--first") { Description = "Only the first N samples of the epoch", HelpName = "N" };
    private readonly Option<bool> _sorted = new("--sorted") { Description = "In the genome's order instead of training order; holds all windows in memory" };
    private readonly Option<bool> _json = new("--json") { Description = "A summary as one JSON object instead of the windows" };
    private readonly Option<string?> _out = new("--out", "-o") { Description = "File to write, .bed or .bed.gz [default: standard output]", HelpName = "FILE" };

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
        if (file is not null && !IsBed(file))
        {
            throw new ConfigException(new ConfigProblem("", $"windows cannot be written as '{Path.GetFileName(file)}'", null, "a name that ends in .bed or .bed.gz"));
        }

        using var data = new TrainingData(config);
        foreach (string warning in data.Split.Warnings)
        {
            context.Reporter.Warn(warning);
        }

        var windows = new EpochWindows(data, config, part, epoch);
        if (context.Parse.GetValue(_json))
        {
            WriteTo(context, file, w => w.Write(Summary(data, config, windows, part, epoch, first).ToJsonString(s_oneLine) + "\n"));
            return ExitCodes.Ok;
        }

        IEnumerable<SeenInterval> seen = windows.InOrder(first);
        if (context.Parse.GetValue(_sorted))
        {
            SeenInterval[] all = [.. seen];
            Array.Sort(all, static (a, b) => (a.Interval.Contig, a.Interval.Start, a.Sample).CompareTo((b.Interval.Contig, b.Interval.Start, b.Sample)));
            seen = all;
        }

        WriteTo(context, file, w => WriteBed(w, data.Genome, seen, context.Stop));
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

            writer.Write(genome.Contigs[s.Interval.Contig].Name);
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"\t{s.Interval.Start}\t{s.Interval.End}\t{s.Sample}"));
            if (s.Segment >= 0)
            {
                writer.Write(string.Create(CultureInfo.InvariantCulture, $".{s.Segment}"));
            }

            writer.Write(string.Create(CultureInfo.InvariantCulture, $"\t{(int)Math.Round(1000 * s.Fill)}\t{(s.Flipped ? '-' : '+')}\n"));
        }
    }

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

    private static bool IsBed(string file) =>
        file.EndsWith(".bed", StringComparison.Ordinal) || file.EndsWith(".bed.gz", StringComparison.Ordinal) || file.EndsWith(".json", StringComparison.Ordinal);

    // A file is written under another name first, so that a run that is ended leaves nothing half-written.
    private static void WriteTo(CommandContext context, string? file, Action<TextWriter> write)
    {
        if (file is null)
        {
            write(context.Streams.Out);
            return;
        }

        string temporary = $"{file}.{Environment.ProcessId}.tmp";
        try
        {
            using (Stream raw = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            using (Stream packed = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(raw, CompressionLevel.Optimal) : raw)
            using (var writer = new StreamWriter(packed, new UTF8Encoding(false), 1 << 16))
            {
                write(writer);
            }

            if (!context.Stop.IsCancellationRequested)
            {
                File.Move(temporary, file, overwrite: true);
            }
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void NotNegative(System.CommandLine.Parsing.OptionResult result, long value)
    {
        if (value < 0)
        {
            result.AddError($"{result.Option.Name} must not be negative");
        }
    }
}
