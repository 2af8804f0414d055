using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Torch.IO;
using GenoSeq.Training.Checkpoints;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Studies;

/// <summary>Trains the model of a cell for its budget, by the trainer's own steps; a cell that was stopped goes on where it was.</summary>
/// <param name="settings">The cell's settings.</param>
/// <param name="rate">Largest learning rate.</param>
/// <param name="seed">Seed of weights, samples and corruption.</param>
/// <param name="device">Where.</param>
/// <param name="folder">Where what is half finished is kept; exists only between two sittings.</param>
internal sealed class CellTraining(StudyCellConfig settings, double rate, long seed, Device device, string folder)
{
    // Seconds of training between two checkpoints: a lost minute costs less than writing more often.
    private const double SaveEvery = 60;

    // A step leaves wrappers of tensors behind, as in the trainer's own loop.
    private const int CollectEvery = 16;

    // Steps that are timed, behind those that warm up, when the budget is in seconds.
    private const int TimedSteps = 5;
    private const string ProgressFile = "progress.json";

    /// <summary>What training left.</summary>
    /// <param name="Steps">Optimizer steps.</param>
    /// <param name="Tokens">Tokens seen.</param>
    /// <param name="Flops">Floating-point operations of training.</param>
    /// <param name="Seconds">Seconds of training, without evaluations.</param>
    /// <param name="PeakBytes">Largest memory of training.</param>
    /// <param name="Curve">The learning curve.</param>
    /// <param name="Diverged">How numbers stopped being finite; null: they did not.</param>
    internal sealed record Outcome(long Steps, long Tokens, double Flops, double Seconds, long PeakBytes, IReadOnlyList<StudyCurvePoint> Curve, string? Diverged);

    /// <summary>Trains.</summary>
    /// <param name="model">With the weights to begin with, on its device.</param>
    /// <param name="data">What to train on.</param>
    /// <param name="share">Share of the budget.</param>
    /// <param name="stop">Ends it behind a step, with a checkpoint.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    internal Outcome Run(SequenceModel model, IStudyData data, double share, CancellationToken stop)
    {
        string file = Path.Combine(folder, ProgressFile);
        Progress progress = File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllText(file), ProgressJson.Default.Progress)! : new Progress();
        if (progress.Steps == 0)
        {
            progress = progress with { Steps = StepsOf(data, share) };
            Directory.CreateDirectory(folder);
            AtomicFile.WriteAllText(file, JsonSerializer.Serialize(progress, ProgressJson.Default.Progress));
        }

        RunConfig run = RunOf(data, progress.Steps);
        var store = new CheckpointStore(Path.Combine(folder, "checkpoints"), "", 1);
        using var trainer = new Trainer(run, null, model, store, null, new SilentObserver());
        if (store.Last() is { } last)
        {
            trainer.Restore(last);
        }

        var curve = progress.Curve.Where(p => p.Tokens <= trainer.State.Tokens).ToList();
        (double flops, double seconds) = trainer.State.Step == 0 ? (0, 0) : (progress.Flops, progress.Seconds);
        double saved = seconds;
        MemoryPlanning.ResetPeak(device);
        model.train();
        string? diverged = null;
        foreach (LengthStage stage in new LengthSchedule(run).Stages.Where(s => s.EndStep > trainer.State.Step))
        {
            double flopsPerStep = ModelFlops.Of(settings.BuiltModel, stage.Length, stage.WindowsPerStep).TrainingPerToken() * stage.WindowsPerStep * stage.Length;
            using var batches = new BatchPrefetcher(data.Train(stage.Length), step => stage.Samples(step), stage.WindowsPerStep, trainer.State.Step, stage.EndStep,
                new BatchPrefetcherOptions { Capacity = 2, Attach = device.Type == DeviceType.CUDA ? PinnedPages.Of : null });
            trainer.Prepare(stage);
            while (diverged is null && trainer.State.Step < stage.EndStep)
            {
                if (stop.IsCancellationRequested)
                {
                    Save();
                    throw new OperationCanceledException(stop);
                }

                batches.TryNext(out Batch? batch);
                long begun = Stopwatch.GetTimestamp();
                try
                {
                    trainer.Step(batch!);
                }
                catch (TrainingDivergedException e)
                {
                    diverged = e.Message.Split('\n')[0];
                    break;
                }

                seconds += Stopwatch.GetElapsedTime(begun).TotalSeconds;
                flops += flopsPerStep;
                if (IsPoint(trainer.State.Step, progress.Steps))
                {
                    // To the end, also when asked to stop: the checkpoint behind this step must not lack its point.
                    curve.Add(new StudyCurvePoint(trainer.State.Tokens, flops, Math.Round(seconds, 4),
                        ProbeRunner.First(model, data.Validation, Rows(data.Validation.Source), CancellationToken.None)));
                }

                if (trainer.State.Step % CollectEvery == 0)
                {
                    GC.Collect(0, GCCollectionMode.Forced, blocking: true);
                }

                if (seconds - saved > SaveEvery && trainer.State.Step < progress.Steps)
                {
                    Save();
                }
            }
        }

        return new Outcome(trainer.State.Step, trainer.State.Tokens, flops, seconds, Math.Max(progress.PeakBytes, trainer.PeakBytes), curve, diverged);

        // The numbers first: a checkpoint without them would count the steps behind it twice.
        void Save()
        {
            saved = seconds;
            progress = progress with { Flops = flops, Seconds = seconds, PeakBytes = Math.Max(progress.PeakBytes, trainer.PeakBytes), Curve = curve };
            AtomicFile.WriteAllText(file, JsonSerializer.Serialize(progress, ProgressJson.Default.Progress));
            trainer.Save();
        }
    }

    /// <summary>Samples of a source that are evaluated at a time: as many tokens as a training pass has.</summary>
    internal int Rows(IBatchSource source)
    {
        long windows = Math.Max(1, settings.Train.GlobalBatchSize / source.Length);
        return (int)(settings.Train.MicroBatchSize == 0 ? windows : Math.Min(windows, settings.Train.MicroBatchSize));
    }

    private bool IsPoint(long step, long steps)
    {
        int points = (int)Math.Min(settings.Evaluate.CurvePoints, steps);
        return step * points / steps > (step - 1) * points / steps;
    }

    // Steps of the budget; of seconds by timing steps of a model of its own, whose weights are thrown away.
    private long StepsOf(IStudyData data, double share)
    {
        StudyBudgetConfig budget = settings.Budget;
        RunConfig one = RunOf(data, 1000);
        IReadOnlyList<LengthStage> stages = new LengthSchedule(one).Stages;
        double tokens = Mean(s => (double)s.WindowsPerStep * s.Length);
        double perStep = budget switch
        {
            { Flops: > 0 } => Mean(s => ModelFlops.Of(settings.BuiltModel, s.Length, s.WindowsPerStep).TrainingPerToken() * s.WindowsPerStep * s.Length),
            { Seconds: > 0 } => Time(data),
            _ => tokens * data.BasesPerToken,
        };
        double amount = budget.Flops > 0 ? budget.Flops : budget.Seconds > 0 ? budget.Seconds : budget.Tokens;
        return amount > 0
            ? Math.Max(1, (long)Math.Round(amount * share * settings.Train.BudgetShare / perStep))
            : throw new ConfigException(new ConfigProblem("base.budget", "there is none", null, "one of tokens, flops and seconds", "budget: { tokens: 1e6 }"));

        double Mean(Func<LengthStage, double> of) => stages.Sum(s => (s.EndStep - s.FirstStep) * of(s)) / stages[^1].EndStep;
    }

    private double Time(IStudyData data)
    {
        RunConfig run = RunOf(data, 1000);
        LengthStage stage = new LengthSchedule(run).Stages[^1];
        using SequenceModel model = PretrainRun.CreateModel(run);
        using var trainer = new Trainer(run, null, model, null, null, new SilentObserver());
        model.train();
        trainer.Prepare(stage);
        IBatchSource source = data.Train(stage.Length);
        Batch batch = source.CreateBatch(stage.WindowsPerStep);
        using IDisposable? pages = device.Type == DeviceType.CUDA ? PinnedPages.Of(batch) : null;
        source.Fill(new SampleRange(0, stage.WindowsPerStep), batch);
        for (int i = 0; i <= trainer.StepsToWarmUp; i++)
        {
            trainer.Step(batch);
        }

        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < TimedSteps; i++)
        {
            trainer.Step(batch);
        }

        return Stopwatch.GetElapsedTime(begun).TotalSeconds / TimedSteps;
    }

    private RunConfig RunOf(IStudyData data, long steps)
    {
        int length = data.Length;
        StudyTrainConfig t = settings.Train;
        int doublings = 0;
        for (long l = t.StartLength; t.StartLength > 0 && l < length; l *= 2)
        {
            doublings++;
        }

        return new RunConfig
        {
            Seed = seed,
            Device = device.ToString(),
            Model = settings.BuiltModel,
            Data = (settings.Data ?? new DataConfig()) with { ContextLength = length },
            Objective = settings.Objective,
            Train = new TrainConfig
            {
                Steps = steps,
                GlobalBatchSize = Math.Max((long)(t.GlobalBatchSize / data.BasesPerToken), length),
                MicroBatchSize = t.MicroBatchSize,
                LearningRate = rate,
                MinLearningRate = rate * t.FinalShare,
                WarmupSteps = (long)Math.Ceiling(t.WarmupShare * steps),
                WeightDecay = t.WeightDecay,
                Beta1 = t.Beta1,
                Beta2 = t.Beta2,
                ClipNorm = t.ClipNorm,
                Precision = t.Precision,
                Recompute = t.Recompute,
                CudaGraph = t.CudaGraph,
                LogEvery = long.MaxValue,
                ValidateEvery = 0,
                LengthWarmup = doublings == 0 ? new LengthWarmupConfig()
                    : new LengthWarmupConfig { StartLength = t.StartLength, StepsPerStage = Math.Max(1, (long)(t.LengthWarmupShare * steps / doublings)) },
            },
        };
    }
}

/// <summary>What a half-finished cell remembers beside its checkpoint.</summary>
internal sealed record Progress
{
    /// <summary>Optimizer steps of the cell.</summary>
    public long Steps { get; init; }

    /// <summary>Operations until the checkpoint.</summary>
    public double Flops { get; init; }

    /// <summary>Seconds of training until the checkpoint.</summary>
    public double Seconds { get; init; }

    /// <summary>Largest memory so far.</summary>
    public long PeakBytes { get; init; }

    /// <summary>The curve so far.</summary>
    public IReadOnlyList<StudyCurvePoint> Curve { get; init; } = [];
}

/// <summary>Source-generated metadata of <see cref="Progress"/>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(Progress))]
internal sealed partial class ProgressJson : JsonSerializerContext;
