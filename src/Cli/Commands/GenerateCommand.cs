using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Inference;
using GenoSeq.Inference.Generation;
using GenoSeq.Inference.Scoring;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq generate</c>: sequences drawn from a causal model, as FASTA.</summary>
internal sealed class GenerateCommand
{
    private readonly Option<string> _checkpoint = new("--checkpoint") { Description = "A causal model: a folder with config.json and weights, or a run", HelpName = "DIR", Required = true };
    private readonly Option<string[]> _prompts = new("--prompts") { Description = "Sequences to go on from: FASTA, FASTQ, a table or Parquet; - for standard input", HelpName = "FILE" };
    private readonly Option<string> _out = new("--out", "-o") { Description = "FASTA, BGZF where it ends in .gz; - for standard output", HelpName = "FILE", DefaultValueFactory = _ => "-" };
    private readonly Option<long> _maxBases = new("--max-bases", "-n") { Description = "Bases of a sequence, its prompt not counted", HelpName = "N", DefaultValueFactory = _ => 1000 };
    private readonly Option<int> _count = new("--count") { Description = "Sequences for each prompt", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<double> _temperature = new("--temperature") { Description = "Logits are divided by it; 0: always the most likely base", HelpName = "X", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _topK = new("--top-k") { Description = "Only so many of the most likely bases; 0: all", HelpName = "K" };
    private readonly Option<double> _topP = new("--top-p") { Description = "Only the most likely bases with this probability together", HelpName = "P", DefaultValueFactory = _ => 1 };
    private readonly Option<long> _seed = new("--seed") { Description = "Sequence number i of a seed is always the same, whatever the batch", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _letters = new("--letters") { Description = "Letters that may come", HelpName = "LETTERS", DefaultValueFactory = _ => "ACGT" };
    private readonly Option<string?> _stop = new("--stop") { Description = "End a sequence behind the first occurrence of this word", HelpName = "WORD" };
    private readonly Option<bool> _withPrompt = new("--with-prompt") { Description = "Write the prompt before what was generated" };
    private readonly Option<int> _batch = new("--batch") { Description = "Sequences at a time", HelpName = "N", DefaultValueFactory = _ => 8 };
    private readonly Option<int> _width = new("--line-width") { Description = "Bases on a line; 0: all on one", HelpName = "N", DefaultValueFactory = _ => 60 };
    private readonly Option<string?> _speed = new("--speed") { Description = "A table of the speed and the states' memory by position", HelpName = "FILE" };
    private readonly Option<string> _device = new("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
    private readonly Option<bool> _force = new("--force") { Description = "Replace output that is there" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new GenerateCommand();
        Command verb = runner.Verb("generate", "Draw sequences from a causal model", context => Task.FromResult(self.Run(context)));
        Option[] options =
        [
            self._checkpoint, self._prompts, self._out, self._maxBases, self._count, self._temperature, self._topK, self._topP, self._seed, self._letters,
            self._stop, self._withPrompt, self._batch, self._width, self._speed, self._device, self._force,
        ];
        foreach (Option option in options)
        {
            verb.Add(option);
        }

        return verb
            .WithExample("genoseq generate --checkpoint runs/mamba --count 16 --max-bases 5000 -o drawn.fa", "Sixteen sequences from nothing")
            .WithExample("genoseq generate --checkpoint runs/mamba --prompts promoters.fa --temperature 0.8 --top-k 3 -o continued.fa", "Sequences that go on from promoters")
            .WithExample("genoseq generate --checkpoint runs/mamba --max-bases 1000000 --device cuda --speed speed.tsv -o long.fa.gz", "A million bases in constant memory");
    }

    private int Run(CommandContext context)
    {
        T Get<T>(Option<T> option) => context.Parse.GetValue(option)!;
        var options = new GenerationOptions
        {
            Count = Get(_count),
            MaxBases = Get(_maxBases),
            Temperature = Get(_temperature),
            TopK = Get(_topK),
            TopP = Get(_topP),
            Seed = Get(_seed),
            Letters = Get(_letters),
            Stop = Get(_stop),
            Batch = Get(_batch),
        };
        if (options.Validate() is [var wrong, ..])
        {
            throw Problem("--" + wrong.Split(' ')[0].Replace('_', '-'), wrong);
        }

        if (Get(_width) < 0)
        {
            throw Problem("--line-width", "--line-width must not be negative");
        }

        string[] prompts = Get(_prompts) ?? [];
        var output = new OutputOptions { Force = Get(_force), Inputs = prompts };
        Compute.Use(context);
        using GenoSeqModel model = GenoSeqModel.Load(Get(_checkpoint), new ModelLoadOptions { Device = ComputeDevice.Require(Get(_device)) });
        Generator generator;
        try
        {
            generator = new Generator(model.Model, options, context.Reporter.Warn);
        }
        catch (NotSupportedException e)
        {
            throw new Models.CheckpointException(e.Message, Get(_checkpoint), "a causal model (a recurrent mixer or attention in one direction)", "a checkpoint trained with objective.kind=causal");
        }

        using FastaWriter fasta = FastaWriter.Create(Get(_out), new FastaWriterOptions { LineWidth = Get(_width), Output = output });
        using TableWriter? table = Get(_speed) is not { } name ? null : TableWriter.Create(name,
            [new("position", TableType.Integer), new("seconds", TableType.Number), new("bases_per_second", TableType.Number), new("state_bytes", TableType.Integer)],
            new TableWriterOptions { Output = output });
        var sink = new GeneratedFasta(fasta, Get(_withPrompt), string.Create(CultureInfo.InvariantCulture, $"seed={options.Seed} temperature={options.Temperature} top_k={options.TopK} top_p={options.TopP}"));
        var progress = new InferenceProgress(context, prompts.Length == 0 ? options.Count * options.MaxBases : 0, "base");
        try
        {
            IEnumerable<ScoreItem>? items = prompts.Length == 0 ? null : ScoreInputs.Read(new ScoreInputOptions { Files = prompts });
            generator.Run(items, sink, s =>
            {
                progress.Add(s.Bases);
                table?.Write(s.Position, s.Seconds, s.Bases / s.Seconds, s.StateBytes);
            }, context.Stop);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }

        progress.End();
        fasta.Commit();
        table?.Commit();
        context.Reporter.Info(string.Create(CultureInfo.InvariantCulture, $"{sink.Sequences:N0} sequences, {sink.Bases:N0} bases, {progress.Rate:N0} bases/s"));
        return ExitCodes.Ok;
    }

    private static ConfigException Problem(string option, string what) => new(new ConfigProblem(option, what, null, null, "genoseq generate --help"));

    private sealed class GeneratedFasta(FastaWriter fasta, bool withPrompt, string description) : IGenerationSink
    {
        internal long Sequences { get; private set; }

        internal long Bases { get; private set; }

        public void Begin(long number, string prompt, int copy, ReadOnlySpan<byte> promptBases)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"{(prompt.Length > 0 ? prompt : "generated")}_{(prompt.Length > 0 ? copy : number) + 1}");
            fasta.BeginRecord(name, string.Create(CultureInfo.InvariantCulture, $"number={number} {description}"));
            if (withPrompt)
            {
                fasta.Append(promptBases);
            }
        }

        public void Append(ReadOnlySpan<byte> bases)
        {
            fasta.Append(bases);
            Bases += bases.Length;
        }

        public void End() => Sequences++;
    }
}
