using System.Text;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Checkpoints;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.Engine;

/// <summary>Tests that draw from libtorch's one generator or set the one number of threads: never side by side.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class EngineCollection
{
    public const string Name = "engine";
}

/// <summary>A folder with a genome, and recipes that train on it within a second.</summary>
internal sealed class TinyRun : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-test-").FullName;

    internal TinyRun(string? fasta = null) => File.WriteAllText(Fasta, fasta ?? Genome(5, 4000, 3000));

    internal string Fasta => this["genome.fa"];

    internal string this[string name] => Path.Combine(_folder, name);

    internal RunConfig Config => new()
    {
        Model = new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = true, RcEquivariant = true },
        Data = new DataConfig { Files = [Fasta], ContextLength = 64, ValidationFraction = 0.1 },
        Train = new TrainConfig
        {
            Steps = 8,
            GlobalBatchSize = 256,
            LearningRate = 0.01,
            MinLearningRate = 0.001,
            WarmupSteps = 2,
            LogEvery = 1,
            ValidateEvery = 4,
        },
        Checkpoint = new CheckpointConfig { Every = 4 },
    };

    internal RunConfig Causal => Config with
    {
        Model = new ModelConfig { DModel = 8, NLayer = 2 },
        Objective = new ObjectiveConfig { Kind = ObjectiveKind.Causal },
    };

    /// <summary>FASTA of random contigs c1, c2 ..., in which T follows A more often than not.</summary>
    internal static string Genome(int seed, params int[] lengths)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (int c = 0; c < lengths.Length; c++)
        {
            text.Append(">c").Append(c + 1).Append('\n');
            char last = 'C';
            for (int i = 0; i < lengths[c]; i++)
            {
                last = last == 'A' && random.Next(3) > 0 ? 'T' : "ACGT"[random.Next(4)];
                text.Append(last);
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    internal PretrainResult Run(RunConfig config, string name, ITrainingObserver? observer = null, string resume = "auto",
        CancellationToken stop = default) =>
        PretrainRun.Run(new PretrainRequest { Config = config, Out = this[name], Resume = resume }, observer ?? new Recorder(), stop);

    internal IReadOnlyList<MetricsLine> Metrics(string name) => MetricsReader.Read(this[name + "/metrics.jsonl"]);

    internal byte[] Weights(string name, long step) =>
        File.ReadAllBytes(this[FormattableString.Invariant($"{name}/checkpoints/step-{step:D6}/model.safetensors")]);

    internal static void AssertSame(IReadOnlyList<MetricsLine> a, IReadOnlyList<MetricsLine> b)
    {
        Assert.NotEmpty(a);
        Assert.Equal(a.Count, b.Count);
        Assert.All(a.Zip(b), pair => Assert.True(pair.First.EqualsApartFromTime(pair.Second),
            $"{Text(pair.First)} became {Text(pair.Second)}"));
    }

    private static string Text(MetricsLine line) => $"step {line.Step}: {string.Join(", ", line.Values.OrderBy(v => v.Key, StringComparer.Ordinal))}";

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

/// <summary>Remembers what a run told; may act in the middle of it.</summary>
internal sealed class Recorder(Action<SequenceModel, StepReport>? stepped = null) : ITrainingObserver
{
    private SequenceModel? _model;

    internal List<StepReport> Steps { get; } = [];

    internal List<(long Step, EvaluationResult Result, bool IsBest)> Validations { get; } = [];

    internal List<(long Step, string Path)> Saves { get; } = [];

    public void Started(SequenceModel model, TrainingData data, long step) => _model = model;

    public void Stepped(in StepReport report)
    {
        Steps.Add(report);
        if (_model is not null)
        {
            stepped?.Invoke(_model, report);
        }
    }

    public void Validated(long step, EvaluationResult result, bool isBest) => Validations.Add((step, result, isBest));

    public void Saved(long step, string path) => Saves.Add((step, path));

    public void Say(string text)
    {
    }
}

/// <summary>A trainer with its parts, for single steps.</summary>
internal sealed class Bench : IDisposable
{
    private readonly string _scratch = Directory.CreateTempSubdirectory("genoseq-test-").FullName;
    private readonly MetricsWriter _metrics;

    internal Bench(RunConfig config)
    {
        Config = config;
        Data = new TrainingData(config);
        Model = PretrainRun.CreateModel(config);
        _metrics = MetricsWriter.Create(Path.Combine(_scratch, "metrics.jsonl"));
        Trainer = new Trainer(config, Data, Model, new CheckpointStore(_scratch, "", 1), _metrics, Seen);
    }

    internal RunConfig Config { get; }

    internal TrainingData Data { get; }

    internal SequenceModel Model { get; }

    internal Trainer Trainer { get; }

    internal Recorder Seen { get; } = new();

    internal Batch Batch(long step)
    {
        int windows = Trainer.WindowsPerStep(Config);
        Batch batch = Data.TrainBuilder.CreateBatch(windows);
        Data.TrainBuilder.Fill(SampleRange.ForStep(step, windows), batch);
        return batch;
    }

    /// <summary>All weights, one after the other.</summary>
    internal float[] Weights()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        return [.. Model.parameters().SelectMany(p => p.detach().contiguous().ToArray<float>())];
    }

    /// <summary>Loss in bits at each target of a batch, worked out from the logits in double precision, one window at a time.</summary>
    internal List<(int Window, double Bits, float Weight)> BitsOf(Batch batch)
    {
        using IDisposable mode = torch.no_grad();
        var found = new List<(int, double, float)>();
        for (int row = 0; row < batch.Count; row++)
        {
            using DisposeScope scope = torch.NewDisposeScope();
            BatchTensors t = BatchTensors.Of(batch, row, 1, Device.CPU);
            Tensor logits = Model.forward(t.Inputs);
            int vocab = (int)logits.size(2);
            float[] z = logits.contiguous().ToArray<float>();
            for (int p = 0; p < batch.Length; p++)
            {
                int label = batch.Labels[(row * batch.Length) + p];
                if (label >= 0)
                {
                    double[] at = [.. z.AsSpan(p * vocab, vocab).ToArray().Select(v => (double)v)];
                    double nats = Math.Log(at.Sum(Math.Exp)) - at[label];
                    found.Add((row, nats / Math.Log(2), batch.Weights?[(row * batch.Length) + p] ?? 1));
                }
            }
        }

        return found;
    }

    public void Dispose()
    {
        Trainer.Dispose();
        _metrics.Dispose();
        Model.Dispose();
        Data.Dispose();
        Directory.Delete(_scratch, recursive: true);
    }
}
