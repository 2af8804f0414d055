using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Inference;
using GenoSeq.Inference.Embedding;
using GenoSeq.Inference.Input;
using GenoSeq.Inference.Output;
using GenoSeq.Inference.Streaming;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq embed</c>: states of a model as rows of a file.</summary>
internal sealed class EmbedCommand
{
    private readonly Argument<string[]> _input = new("INPUT")
    {
        Description = "FASTA, FASTQ, 2bit, Parquet, CSV or TSV, plain, gzip or BGZF; - for standard input",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _checkpoint = new("--checkpoint", "-c") { Description = "A model's folder, or a run, whose best checkpoint is taken", HelpName = "DIR", Required = true };
    private readonly Option<string> _out = new("--out", "-o") { Description = "The output; - for a table on standard output", HelpName = "FILE", DefaultValueFactory = _ => "-" };
    private readonly Option<string?> _format = new("--format") { Description = "The output's format [default: by the output's ending]", HelpName = string.Join("|", EmbeddingFormat.All.Select(f => f.Name)) };
    private readonly Option<string?> _bed = new("--bed") { Description = "Intervals of the input, which is then a genome", HelpName = "FILE" };
    private readonly Option<string[]> _region = new("--region", "-r") { Description = "Region of the genome, as chr20:32,000,001-33,000,000; may be repeated", HelpName = "REGION" };
    private readonly Option<string?> _column = new("--column") { Description = "Column of tables that holds the sequence", HelpName = "NAME" };
    private readonly Option<string?> _idColumn = new("--id-column") { Description = "Column of tables that holds the name", HelpName = "NAME" };
    private readonly Option<int> _window = new("--window") { Description = "Cut sequences into windows of so many bases, each a sequence of its own", HelpName = "N" };
    private readonly Option<int> _stride = new("--stride") { Description = "Bases from one window to the next [default: the window]", HelpName = "N" };
    private readonly Option<int> _bin = new("--bin") { Description = "A row for every so many bases, each in the context of the whole sequence", HelpName = "N" };
    private readonly Option<StatePooling> _pool = new("--pool") { Description = "How the states of a row's bases become one; none: a row for each base", HelpName = "mean|max|last|none", DefaultValueFactory = _ => StatePooling.Mean };
    private readonly Option<int[]> _layer = new("--layer") { Description = "Layers, one behind the other in a row: 0 the embedding, -1 the last one after the final norm [default: -1]", HelpName = "N", AllowMultipleArgumentsPerToken = true };
    private readonly Option<StrandMode?> _strand = new("--strand") { Description = "Strands [default: concat for equivariant models, forward for others]", HelpName = "forward|rc|average|concat" };
    private readonly Option<string> _device = new("--device") { Description = "Where the model runs", HelpName = "cpu|cuda|cuda:N", DefaultValueFactory = _ => "cpu" };
    private readonly Option<Precision> _precision = new("--precision") { Description = "Type of matrix products", HelpName = "fp32|bf16", DefaultValueFactory = _ => Precision.Fp32 };
    private readonly Option<string?> _stream = new("--stream-precision") { Description = "Type of what is kept between layers where sequences do not fit into memory [default: the precision]", HelpName = "fp32|bf16" };
    private readonly Option<int> _batch = new("--batch-bases") { Description = "Bases computed on at once [default: by the memory]", HelpName = "N" };
    private readonly Option<int> _chunk = new("--chunk") { Description = "Bases of a chunk, for sequences that do not fit into memory [default: by the memory]", HelpName = "N" };
    private readonly Option<string?> _memory = new("--memory-limit") { Description = "Memory of the device that computes, as 8GB or 512MiB [default: 1 GiB, of a GPU 70 % of what is free]", HelpName = "SIZE" };
    private readonly Option<string?> _hostMemory = new("--host-memory") { Description = "Host memory for what a GPU's does not hold [default: half of the host's]", HelpName = "SIZE" };
    private readonly Option<string?> _scratch = new("--scratch") { Description = "Folder for what memory does not hold", HelpName = "DIR" };
    private readonly Option<bool> _wide = new("--wide") { Description = "Parquet: a column for each number in place of a list" };
    private readonly Option<bool> _compress = new("--compress") { Description = "npz, zarr, h5ad: compress" };
    private readonly Option<int> _zarr = new("--zarr-version") { Description = "Version of the zarr format", HelpName = "2|3", DefaultValueFactory = _ => 2 };
    private readonly Option<bool> _resume = new("--resume") { Description = "Continue an interrupted export" };
    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace the output" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new EmbedCommand();
        Command verb = runner.Verb("embed", "Export embeddings of sequences", context => Task.FromResult(self.Run(context)));
        verb.Add(self._input);
        Option[] options =
        [
            self._checkpoint, self._out, self._format, self._bed, self._region, self._column, self._idColumn, self._window, self._stride, self._bin, self._pool,
            self._layer, self._strand, self._device, self._precision, self._stream, self._batch, self._chunk, self._memory, self._hostMemory, self._scratch, self._wide,
            self._compress, self._zarr, self._resume, self._force,
        ];
        foreach (Option option in options)
        {
            verb.Add(option);
        }

        return verb.WithExample("genoseq embed reads.fq.gz -c runs/demo/checkpoints/step-000500 -o reads.npy", "A row for each read")
            .WithExample("genoseq embed genome.fa.gz -c my-model --bed peaks.bed -o peaks.parquet", "Intervals of a genome")
            .WithExample("genoseq embed chr20.fa.gz -c my-model --bin 1000 -o chr20.npz", "A whole chromosome, a row for each kilobase")
            .WithExample("zcat new.fa.gz | genoseq embed - -c my-model | cut -f 1,6-", "In a pipe");
    }

    private int Run(CommandContext context)
    {
        Compute.Use(context);
        ParseResult parse = context.Parse;
        string checkpoint = parse.GetValue(_checkpoint)!;
        EmbedOptions embed = Options(parse);
        SequenceInputOptions input = Input(parse);
        string output = parse.GetValue(_out)!;
        EmbeddingFormat format = Usage(() => EmbeddingFormat.Find(parse.GetValue(_format), output), "--format");
        ThrowIfAny(input.Validate());
        using GenoSeqModel loaded = GenoSeqModel.Load(checkpoint, new ModelLoadOptions
        {
            Device = ComputeDevice.Require(parse.GetValue(_device)!),
            HalfPrecision = parse.GetValue(_precision) == Precision.Bf16,
        });
        SequenceModel model = loaded.Model;
        ThrowIfAny(embed.Validate(model.Config));
        var run = new EmbedRun(model, new EmbedRunOptions
        {
            Input = input,
            Embed = embed,
            Output = output,
            Format = format,
            FormatOptions = new EmbeddingFormatOptions
            {
                Force = parse.GetValue(_force),
                Wide = parse.GetValue(_wide),
                Compress = parse.GetValue(_compress),
                ZarrVersion = parse.GetValue(_zarr),
            },
            Resume = parse.GetValue(_resume),
            ModelDigest = loaded.Digest,
            Version = AppVersion.Text,
        });
        if (parse.GetValue(_resume) && run.IsComplete)
        {
            context.Reporter.Info($"{output} is complete");
            return ExitCodes.Ok;
        }

        var progress = new BaseProgress(context, input);
        try
        {
            long began = Stopwatch.GetTimestamp();
            EmbedRunResult result = run.Run(progress.Show, context.Reporter.Warn, context.Stop);
            context.Reporter.EndProgress();
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            context.Reporter.Info(string.Create(CultureInfo.InvariantCulture,
                $"{result.Items:N0} sequences, {result.Rows:N0} rows of {result.Width} numbers{(output == "-" ? "" : $" in {output}")}; {result.Bases:N0} bases in {seconds:0.0} s, {ProgressText.Rate(result.Bases / seconds)} bases/s"));
            return ExitCodes.Ok;
        }
        catch (OperationCanceledException)
        {
            context.Reporter.EndProgress();
            context.Reporter.Info(output == "-" ? "interrupted" : "interrupted; --resume continues the export");
            return ExitCodes.Interrupted;
        }
    }

    private EmbedOptions Options(ParseResult parse) => new()
    {
        Pooling = parse.GetValue(_pool),
        Bin = parse.GetValue(_bin),
        Layers = parse.GetValue(_layer) is { Length: > 0 } layers ? layers : [-1],
        Strand = parse.GetValue(_strand),
        BatchBases = parse.GetValue(_batch),
        Streaming = new StreamOptions
        {
            MemoryLimit = Size(parse.GetValue(_memory), "--memory-limit"),
            HostLimit = Size(parse.GetValue(_hostMemory), "--host-memory"),
            Scratch = parse.GetValue(_scratch),
            ChunkLength = parse.GetValue(_chunk),
            StreamType = parse.GetValue(_stream) switch
            {
                null => null,
                "fp32" => torch.float32,
                "bf16" => torch.bfloat16,
                string other => throw new ConfigException(new ConfigProblem("--stream-precision", $"'{other}' is no precision", null, "fp32 or bf16")),
            },
        },
    };

    private SequenceInputOptions Input(ParseResult parse) => new()
    {
        Files = parse.GetValue(_input)!,
        Bed = parse.GetValue(_bed),
        Regions = parse.GetValue(_region) ?? [],
        SequenceColumn = parse.GetValue(_column),
        IdColumn = parse.GetValue(_idColumn),
        Window = parse.GetValue(_window),
        Stride = parse.GetValue(_stride),
    };

    private static T Usage<T>(Func<T> make, string option)
    {
        try
        {
            return make();
        }
        catch (ArgumentException e)
        {
            throw new ConfigException(new ConfigProblem(option, e.Message, null, "a format that can be written"));
        }
    }

    private static void ThrowIfAny(IEnumerable<string> problems)
    {
        ConfigProblem[] all = [.. problems.Select(p => new ConfigProblem("", p, null, "see `genoseq embed --help`"))];
        if (all.Length > 0)
        {
            throw new ConfigException(all);
        }
    }

    // 8GB, 512MiB, 1000000.
    private static long Size(string? text, string option)
    {
        if (text is null)
        {
            return 0;
        }

        (string Ending, double Unit)[] units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("G", 1e9), ("M", 1e6), ("", 1)];
        foreach ((string ending, double unit) in units)
        {
            if (text.EndsWith(ending, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(text[..^ending.Length].Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) && number > 0)
            {
                return (long)(number * unit);
            }
        }

        throw new ConfigException(new ConfigProblem(option, $"'{text}' is no size", null, "a number of bytes, or one with kB, MB, GB, KiB, MiB or GiB"));
    }

    // Bases done; of how many is an estimate.
    private sealed class BaseProgress(CommandContext context, SequenceInputOptions input)
    {
        private readonly long _began = Stopwatch.GetTimestamp();
        private readonly long _total = (long)InputEstimate.Bases(input);

        internal void Show(EmbedProgress now)
        {
            double seconds = Math.Max(1e-3, Stopwatch.GetElapsedTime(_began).TotalSeconds);
            long done = (long)now.Bases + now.Skipped;
            context.Reporter.Progress(new ProgressState(done, _total > 0 ? Math.Max(_total, done + 1) : 0, now.Bases / seconds) { Unit = "base" });
        }
    }
}
