using System.CommandLine;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Inference;
using GenoSeq.Inference.Scoring;
using GenoSeq.Inference.Variants;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands.Score;

/// <summary><c>genoseq score</c>: likelihoods of sequences, effects of variants, saturation mutagenesis.</summary>
internal sealed class ScoreCommand
{
    private readonly Option<string> _checkpoint = new("--checkpoint") { Description = "A model: a folder with config.json and weights, or a run", HelpName = "DIR", Required = true };
    private readonly Option<string[]> _input = new("--input", "-i") { Description = "Sequences: FASTA, FASTQ, CSV, TSV, Parquet or 2bit; - for standard input", HelpName = "FILE" };
    private readonly Option<string[]> _genome = new("--genome") { Description = "FASTA or 2bit files that regions and variants refer to", HelpName = "FILE" };
    private readonly Option<bool> _placed = new("--placed") { Description = "The genome is pieces: records '>NAME CONTIG:FROM-TO'" };
    private readonly Option<string?> _bed = new("--bed") { Description = "Score these intervals of the genome", HelpName = "FILE" };
    private readonly Option<string[]> _region = new("--region") { Description = "Score these regions of the genome: NAME or NAME:FROM-TO, 1-based", HelpName = "REGION" };
    private readonly Option<string?> _vcf = new("--vcf") { Description = "Score the variants of a VCF file; - for standard input", HelpName = "FILE" };
    private readonly Option<string?> _table = new("--table") { Description = "Score the variants of a CSV or TSV table with contig, position, ref and alt", HelpName = "FILE" };
    private readonly Option<string?> _ism = new("--ism") { Description = "Score every base change of a region, or of every contig of the genome", HelpName = "REGION", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string> _out = new("--out", "-o") { Description = "The table: TSV, or Parquet or VCF by its suffix; - for standard output", HelpName = "FILE", DefaultValueFactory = _ => "-" };
    private readonly Option<string?> _perBase = new("--per-base") { Description = "Log-likelihood of each base too, as bedGraph", HelpName = "FILE" };
    private readonly Option<string?> _svg = new("--svg") { Description = "With --ism: a heat map; of several regions NAME-1.svg, NAME-2.svg, ...", HelpName = "FILE" };
    private readonly Option<string> _strand = new("--strand") { Description = "Strand that is read, or the mean of both", HelpName = "forward|rc|average", DefaultValueFactory = _ => "forward" };
    private readonly Option<string> _method = new("--method") { Description = "Variants: likelihood ratio at masked bases, likelihood difference of windows, or distance of embeddings", HelpName = "auto|llr|delta|embedding", DefaultValueFactory = _ => "auto" };
    private readonly Option<int> _context = new("--context") { Description = "Variants: bases on each side that the model sees", HelpName = "N", DefaultValueFactory = _ => 512 };
    private readonly Option<int> _maskStride = new("--mask-stride") { Description = "Masked models: passes; pass i masks the positions i modulo this", HelpName = "K", DefaultValueFactory = _ => 8 };
    private readonly Option<int> _window = new("--window") { Description = "Bases in one pass; longer sequences go piece by piece", HelpName = "N", DefaultValueFactory = _ => 16384 };
    private readonly Option<bool> _allow = new("--allow-ref-mismatch") { Description = "Leave variants out whose REF is not the genome's, instead of refusing the file" };
    private readonly Option<string?> _label = new("--label-column") { Description = "Judge the scores by this column, or key of INFO: AUROC with --positive, else correlations", HelpName = "NAME" };
    private readonly Option<string[]> _positive = new("--positive") { Description = "Labels that are positive", HelpName = "VALUE" };
    private readonly Option<string[]> _negative = new("--negative") { Description = "Labels that are negative; others are left out [default: all others]", HelpName = "VALUE" };
    private readonly Option<string[]> _baseline = new("--baseline") { Description = "Genome whose words the count model counts [default: --genome]", HelpName = "FILE" };
    private readonly Option<string?> _report = new("--report") { Description = "The judgement as a table", HelpName = "FILE" };
    private readonly Option<string?> _sequence = new("--sequence") { Description = "Column of sequences in tables", HelpName = "COLUMN" };
    private readonly Option<string?> _id = new("--id") { Description = "Column of names in tables", HelpName = "COLUMN" };
    private readonly Option<string> _device = new("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
    private readonly Option<string> _precision = new("--precision") { Description = "fp32, or bf16 for matrix products", HelpName = "fp32|bf16", DefaultValueFactory = _ => "fp32" };
    private readonly Option<int> _batch = new("--batch-tokens") { Description = "Tokens at a time; results do not depend on it", HelpName = "N", DefaultValueFactory = _ => 32768 };
    private readonly Option<bool> _force = new("--force") { Description = "Replace output that is there" };

    private ScoreCommand()
    {
        _strand.AcceptOnlyFromAmong("forward", "rc", "average");
        _method.AcceptOnlyFromAmong("auto", "llr", "delta", "embedding");
        _precision.AcceptOnlyFromAmong("fp32", "bf16");
    }

    internal static Command Create(CommandRunner runner)
    {
        var self = new ScoreCommand();
        Command verb = runner.Verb("score", "Score sequences and variants with a model", context => Task.FromResult(self.Run(context)));
        Option[] options =
        [
            self._checkpoint, self._input, self._genome, self._placed, self._bed, self._region, self._vcf, self._table, self._ism, self._out, self._perBase,
            self._svg, self._strand, self._method, self._context, self._maskStride, self._window, self._allow, self._label, self._positive, self._negative,
            self._baseline, self._report, self._sequence, self._id, self._device, self._precision, self._batch, self._force,
        ];
        foreach (Option option in options)
        {
            verb.Add(option);
        }

        return verb
            .WithExample("genoseq score --checkpoint runs/mine --input reads.fq.gz > scores.tsv", "Log-likelihood and bits per base of each sequence")
            .WithExample("genoseq score --checkpoint runs/mine --genome hg38.fa --region chr20 --per-base chr20.bedgraph.gz -o chr20.tsv", "A chromosome, and each of its bases")
            .WithExample("genoseq score --checkpoint runs/mine --genome hg38.fa --vcf calls.vcf.gz --strand average -o scored.vcf.gz", "Variant effects as INFO fields")
            .WithExample("genoseq score --checkpoint runs/mine --genome hg38.fa --ism chr20:42984160-42984444 --svg enhancer.svg -o enhancer.tsv", "Every base change of an enhancer");
    }

    private int Run(CommandContext context)
    {
        T Get<T>(Option<T> option) => context.Parse.GetValue(option)!;
        string[] input = Get(_input) ?? [];
        string[] genomeFiles = Get(_genome) ?? [];
        bool ism = context.Parse.GetResult(_ism) is not null;
        string? variants = Get(_vcf) ?? Get(_table);
        int tasks = (input.Length > 0 ? 1 : 0) + (Get(_vcf) is null ? 0 : 1) + (Get(_table) is null ? 0 : 1) + (ism ? 1 : 0);
        if (tasks > 1)
        {
            throw Problem("--input", "--input, --vcf, --table and --ism are different tasks", "one of them");
        }

        if (genomeFiles.Length == 0 && (tasks == 0 || input.Length == 0))
        {
            throw Problem("--genome", variants is null && !ism ? "there is nothing to score" : "variants and regions need their genome", "--input FILE, or --genome FILE", "--genome genome.fa");
        }

        Reject(context, "without --vcf or --table", variants is null, _label, _report, _positive, _negative, _baseline);
        Reject(context, "without sequences", variants is not null || ism, _perBase, _bed, _region, _sequence, _id);
        Reject(context, "without --ism", !ism, _svg);
        Reject(context, "with --input", input.Length > 0, _genome, _bed, _region, _placed);
        Compute.Use(context);
        var settings = new ScoreSettings
        {
            Input = new ScoreInputOptions { Files = input, SequenceColumn = Get(_sequence), IdColumn = Get(_id), Bed = Get(_bed), Regions = Get(_region) ?? [] },
            Vcf = Get(_vcf),
            Table = Get(_table),
            Region = ism ? Get(_ism) : null,
            Out = Get(_out),
            PerBase = Get(_perBase),
            Svg = Get(_svg),
            AllowMismatch = Get(_allow),
            Label = Get(_label),
            Positive = Get(_positive) ?? [],
            Negative = Get(_negative) ?? [],
            Report = Get(_report),
            Output = new OutputOptions { Force = Get(_force), Inputs = [.. input.Concat(genomeFiles), .. variants is null ? [] : new[] { variants }] },
            Likelihood = new LikelihoodOptions { Strand = Strand(Get(_strand)), MaskStride = Get(_maskStride), Window = Get(_window), Margin = Math.Min(512, Get(_window) / 4), BatchTokens = Get(_batch) },
            Variants = new VariantOptions
            {
                Method = Enum.Parse<VariantMethod>(Get(_method), ignoreCase: true),
                Context = Get(_context),
                Strand = Strand(Get(_strand)),
                MaskStride = Get(_maskStride),
                BatchTokens = Get(_batch),
            },
        };
        if (settings.Likelihood.Validate().Concat(settings.Variants.Validate()).FirstOrDefault() is { } wrong)
        {
            throw Problem("--" + wrong.Split(' ')[0].Replace('_', '-'), wrong, null);
        }

        using GenomeSource? genome = genomeFiles.Length == 0 ? null
            : Get(_placed) ? PlacedGenome.Load(genomeFiles[0])
            : GenomeFiles.Open(genomeFiles, new GenomeOpenOptions { Warn = context.Reporter.Warn });
        using GenomeSource? baseline = Get(_baseline) is { Length: > 0 } files ? GenomeFiles.Open(files, new GenomeOpenOptions { Warn = context.Reporter.Warn }) : null;
        using GenoSeqModel model = GenoSeqModel.Load(Get(_checkpoint), new ModelLoadOptions { Device = ComputeDevice.Require(Get(_device)), HalfPrecision = Get(_precision) == "bf16" });
        try
        {
            if (variants is not null)
            {
                new ScoreVariantFile(context, settings, model, genome!, baseline ?? genome!).Run();
            }
            else if (ism)
            {
                ScoreMutagenesis.Run(context, settings, model, genome!);
            }
            else
            {
                ScoreSequences.Run(context, settings with { Input = settings.Input with { Genome = genome } }, model);
            }

            return ExitCodes.Ok;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
    }

    private static void Reject(CommandContext context, string when, bool now, params Option[] options)
    {
        foreach (Option option in options)
        {
            if (now && context.Parse.GetResult(option) is { Implicit: false })
            {
                throw Problem(option.Name, $"{option.Name} means nothing {when}", "another task, or without this option");
            }
        }
    }

    private static StrandUse Strand(string text) => Enum.Parse<StrandUse>(text, ignoreCase: true);

    private static ConfigException Problem(string option, string what, string? expected, string? hint = null) =>
        new(new ConfigProblem(option, what, null, expected, hint));
}

/// <summary>What the command line says.</summary>
internal sealed record ScoreSettings
{
    internal required ScoreInputOptions Input { get; init; }

    internal string? Vcf { get; init; }

    internal string? Table { get; init; }

    internal string? Region { get; init; }

    internal required string Out { get; init; }

    internal string? PerBase { get; init; }

    internal string? Svg { get; init; }

    internal bool AllowMismatch { get; init; }

    internal string? Label { get; init; }

    internal IReadOnlyList<string> Positive { get; init; } = [];

    internal IReadOnlyList<string> Negative { get; init; } = [];

    internal string? Report { get; init; }

    internal required OutputOptions Output { get; init; }

    internal required LikelihoodOptions Likelihood { get; init; }

    internal required VariantOptions Variants { get; init; }
}
