using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data convert</c>: genomes and Parquet rows as windows in Parquet or npy, as FASTA, or as BED.</summary>
internal sealed class ConvertCommand
{
    private const int DefaultWindow = 1024;
    private static readonly string[] s_formats = ["parquet", "fasta", "bed", "npy"];

    private readonly Argument<string[]> _inputs = new("in") { Description = "FASTA, FASTQ, 2bit or Parquet: files, folders, patterns", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string> _out = new("--out", "-o") { Description = "File, or folder of Parquet shards; .fa.gz is written as BGZF", Required = true, HelpName = "PATH" };
    private readonly Option<string?> _to = new("--to") { Description = "Format [default: by the output's name; a name without suffix is a folder of Parquet]", HelpName = "parquet|fasta|bed|npy" };
    private readonly Option<int?> _window = new("--window") { Description = "Bases in a window [default: 1024; FASTA: whole contigs]", HelpName = "N" };
    private readonly Option<int?> _stride = new("--stride") { Description = "Bases from one window's start to the next [default: the window]", HelpName = "N" };
    private readonly Option<double> _maxN = new("--max-n") { Description = "Largest share of letters other than ACGT in a window", HelpName = "X", DefaultValueFactory = _ => 1.0 };
    private readonly Option<bool> _short = new("--keep-short") { Description = "Keep the shorter window at a contig's end" };
    private readonly Option<string?> _bed = new("--split-bed") { Description = "Tile the intervals of a BED file whose fourth column is train, valid or test", HelpName = "FILE" };
    private readonly Option<string> _codec = new("--codec") { Description = "Parquet: compression", HelpName = "NAME", DefaultValueFactory = _ => "zstd" };
    private readonly Option<long?> _rows = new("--rows-per-shard") { Description = "Parquet: rows of a shard [default: about 512 MiB of bases]", HelpName = "N" };
    private readonly Option<string?> _column = new("--column") { Description = "Parquet input: the column of sequences [default: by its name]", HelpName = "NAME" };
    private readonly Option<string?> _id = new("--id-column") { Description = "Parquet input: the column of names [default: row1, row2, ...]", HelpName = "NAME" };
    private readonly Option<string?> _where = new("--where") { Description = "Parquet input: rows to read, a SQL expression over the columns", HelpName = "SQL" };
    private readonly Option<bool> _skipNulls = new("--skip-nulls") { Description = "Parquet input: leave rows without a sequence out" };
    private readonly Option<int> _width = new("--line-width") { Description = "FASTA: letters in a line, 0 for one line", HelpName = "N", DefaultValueFactory = _ => 60 };
    private readonly Option<bool> _verify = new("--verify") { Description = "Parquet: read everything back and compare it with the source" };
    private readonly Option<bool> _force = new("--force") { Description = "Replace the output" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new ConvertCommand();
        Command verb = runner.Verb("convert", "Write windows as Parquet, npy or BED, or sequences as FASTA", context => Task.FromResult(self.Run(context)));
        verb.Add(self._inputs);
        foreach (Option option in (Option[])[
            self._out, self._to, self._window, self._stride, self._maxN, self._short, self._bed, self._codec, self._rows,
            self._column, self._id, self._where, self._skipNulls, self._width, self._verify, self._force])
        {
            verb.Add(option);
        }

        return verb
            .WithExample("genoseq data convert hg38.fa.gz -o windows/ --window 1024 --max-n 0.1", "Shards of windows in Parquet")
            .WithExample("genoseq data convert windows/ -o windows.fa.gz --where \"contig = 'chr21'\"", "Rows of Parquet as FASTA, in BGZF")
            .WithExample("genoseq data convert genome.2bit -o windows.npy --window 4096", "An array of bytes, one row a window");
    }

    private int Run(CommandContext context)
    {
        string output = context.Parse.GetValue(_out)!;
        string format = FormatOf(output, context.Parse.GetValue(_to));
        WindowTilingOptions tiling = TilingOptions(context, format);
        var writer = new ParquetWriterOptions
        {
            Codec = context.Parse.GetValue(_codec)!,
            RowsPerShard = context.Parse.GetValue(_rows),
            Threads = context.Options.Threads,
            Overwrite = context.Parse.GetValue(_force),
        };
        var sequences = new ParquetSequenceOptions
        {
            SequenceColumn = context.Parse.GetValue(_column),
            IdColumn = context.Parse.GetValue(_id),
            Where = context.Parse.GetValue(_where),
            Nulls = context.Parse.GetValue(_skipNulls) ? ParquetNulls.Skip : ParquetNulls.Error,
            Threads = context.Options.Threads,
        };
        Refuse([.. tiling.Validate(), .. writer.Validate(), .. sequences.Validate(), .. Conflicts(context, format)]);

        using GenomeSource genome = GenomeFiles.Open(context.Parse.GetValue(_inputs)!, new GenomeOpenOptions { Parquet = sequences, Warn = context.Reporter.Warn });
        bool force = writer.Overwrite;
        var plain = new OutputOptions { Force = force };
        long written;
        if (format == "fasta" && context.Parse.GetValue(_window) is null)
        {
            written = WindowExport.WriteFasta(genome, output, Fasta(context, plain), context.Stop);
            return Done(context, $"wrote {written:N0} sequences to {output}");
        }

        if (context.Parse.GetValue(_bed) is string bed)
        {
            tiling = tiling with { Split = GenomeSplit.Create(genome, new SplitOptions { BedFile = bed }) };
            foreach (string warning in tiling.Split.Warnings)
            {
                context.Reporter.Warn(warning);
            }
        }

        WindowTiling windows = WindowTiling.Create(genome, tiling, context.Stop);
        context.Reporter.Detail(string.Create(CultureInfo.InvariantCulture, $"{windows.Count:N0} of {windows.Candidates:N0} windows are kept"));
        switch (format)
        {
            case "fasta":
                written = WindowExport.WriteFasta(genome, windows, output, Fasta(context, plain), context.Stop);
                break;
            case "bed":
                written = WindowExport.WriteBed(genome, windows, output, plain, context.Stop);
                break;
            case "npy":
                written = WindowExport.WriteNpy(genome, windows, tiling.Length, output, plain, context.Stop);
                break;
            default:
                WriteParquet(context, genome, windows, output, writer with { Metadata = Metadata(genome, tiling) });
                written = windows.Count;
                break;
        }

        return Done(context, string.Create(CultureInfo.InvariantCulture, $"wrote {written:N0} windows to {output}"));
    }

    private void WriteParquet(CommandContext context, GenomeSource genome, WindowTiling windows, string output, ParquetWriterOptions options)
    {
        if (IsParquetFile(output))
        {
            ParquetWriter.WriteFile(genome, windows, output, options, null, context.Stop);
        }
        else
        {
            int shards = ParquetWriter.WriteFolder(genome, windows, output, options, null, context.Stop);
            context.Reporter.Detail(string.Create(CultureInfo.InvariantCulture, $"{shards:N0} shards"));
        }

        if (context.Parse.GetValue(_verify))
        {
            long same = WindowVerifier.Compare(genome, windows, output, null, context.Stop);
            context.Reporter.Info(string.Create(CultureInfo.InvariantCulture, $"read back and compared {same:N0} windows: all are identical"));
        }
    }

    private WindowTilingOptions TilingOptions(CommandContext context, string format) => new()
    {
        Length = context.Parse.GetValue(_window) ?? DefaultWindow,
        Stride = context.Parse.GetValue(_stride),
        MaxN = context.Parse.GetValue(_maxN),
        KeepShort = context.Parse.GetValue(_short) && format != "npy",
    };

    private FastaWriterOptions Fasta(CommandContext context, OutputOptions output) =>
        new() { LineWidth = context.Parse.GetValue(_width), Output = output };

    private static Dictionary<string, string> Metadata(GenomeSource genome, WindowTilingOptions tiling) => new()
    {
        ["genoseq.version"] = AppVersion.Text,
        ["genoseq.window"] = tiling.Length.ToString(CultureInfo.InvariantCulture),
        ["genoseq.stride"] = (tiling.Stride ?? tiling.Length).ToString(CultureInfo.InvariantCulture),
        ["genoseq.max_n"] = tiling.MaxN.ToString(CultureInfo.InvariantCulture),
        ["genoseq.source_sha256"] = genome.Digest.Sha256,
    };

    private IEnumerable<string> Conflicts(CommandContext context, string format)
    {
        if (format == "npy" && context.Parse.GetValue(_short))
        {
            yield return "--keep-short makes windows of several lengths, which an array cannot hold";
        }

        if (format != "parquet" && context.Parse.GetValue(_verify))
        {
            yield return "--verify is for Parquet output";
        }

        if (format == "fasta" && context.Parse.GetValue(_window) is null && (context.Parse.GetValue(_stride) is not null || context.Parse.GetValue(_bed) is not null))
        {
            yield return "--stride and --split-bed need --window when FASTA is written";
        }

        if (context.Parse.GetValue(_width) < 0)
        {
            yield return "--line-width must be 0 or more";
        }
    }

    private static string FormatOf(string output, string? to)
    {
        if (to is not null)
        {
            return s_formats.Contains(to)
                ? to
                : throw new ConfigException(new ConfigProblem("--to", $"there is no format '{to}'", null, string.Join(", ", s_formats), null));
        }

        string name = Path.GetFileName(output.TrimEnd('/')).ToLowerInvariant();
        name = name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3] : name;
        return Path.GetExtension(name) switch
        {
            ".parquet" or ".parq" or ".pq" or "" => "parquet",
            ".fa" or ".fasta" or ".fna" => "fasta",
            ".bed" => "bed",
            ".npy" => "npy",
            _ when output.EndsWith('/') => "parquet",
            string other => throw new ConfigException(new ConfigProblem("--out", $"a name that ends in '{other}' does not say the format", null,
                ".parquet, .fa, .fa.gz, .bed, .npy, or a folder", "--to " + string.Join("|", s_formats))),
        };
    }

    private static bool IsParquetFile(string output) =>
        !output.EndsWith('/') && Path.GetExtension(output).ToLowerInvariant() is ".parquet" or ".parq" or ".pq";

    private static void Refuse(IReadOnlyList<string> problems)
    {
        if (problems.Count > 0)
        {
            throw new ConfigException([.. problems.Select(p => new ConfigProblem("", p))]);
        }
    }

    private static int Done(CommandContext context, string text)
    {
        context.Reporter.Info(text);
        return ExitCodes.Ok;
    }
}
