using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Engine;

/// <summary>A stretch of training with one window length.</summary>
/// <param name="FirstStep">Its first step, from 0.</param>
/// <param name="EndStep">The step after its last.</param>
/// <param name="Length">Bases in a window.</param>
/// <param name="WindowsPerStep">Windows in an optimizer step.</param>
/// <param name="MicroBatch">Windows in one forward and backward pass.</param>
/// <param name="Shards">Parts in which the windows of a step are divided among ranks.</param>
public sealed record LengthStage(long FirstStep, long EndStep, int Length, int WindowsPerStep, int MicroBatch, int Shards = 1)
{
    /// <summary>Windows of the largest part.</summary>
    public int WindowsPerShard => (WindowsPerStep + Shards - 1) / Shards;

    /// <summary>
    /// The samples of a step: those of the stage's own order, from sample 0 at the stage's first step on.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="shard">Which part of them.</param>
    public SampleRange Samples(long step, int shard = 0) => SampleRange.ForStep(step - FirstStep, WindowsPerStep, shard, Shards);
}

/// <summary>Which window length a step has: doubling stages, the last of which has data.context_length.</summary>
/// <remarks>
/// Every stage has an order of its own over the windows of its length, and counts its samples from 0. Strands and corruption
/// are drawn from the seed mixed with the length (<see cref="SeedOf"/>), so that sample k of two stages are unrelated; the
/// last stage uses the seed itself, so that without a warm-up nothing changes. The stage, and the sample in it, follow from the
/// step alone: there is nothing to keep in a checkpoint.
/// </remarks>
public sealed class LengthSchedule
{
    private readonly LengthStage[] _stages;

    /// <summary>Lays out the stages of a run.</summary>
    /// <param name="config">The run.</param>
    /// <param name="shards">Parts in which the windows of a step are divided among ranks.</param>
    public LengthSchedule(RunConfig config, int shards = 1)
    {
        ArgumentNullException.ThrowIfNull(config);
        var stages = new List<LengthStage>();
        long step = 0;
        foreach (int length in WarmupLengths(config))
        {
            long end = Math.Min(config.Train.Steps, step + config.Train.LengthWarmup.StepsPerStage);
            stages.Add(Stage(config, step, end, length, shards));
            step = end;
        }

        stages.Add(Stage(config, step, config.Train.Steps, config.Data.ContextLength, shards));
        _stages = [.. stages];
    }

    /// <summary>The stages, in order; together they are all steps.</summary>
    public IReadOnlyList<LengthStage> Stages => _stages;

    /// <summary>The stage of a step; the last one for steps behind the end.</summary>
    public LengthStage At(long step) => Array.Find(_stages, s => step < s.EndStep) ?? _stages[^1];

    /// <summary>Steps before the window length is data.context_length.</summary>
    public static long WarmupSteps(RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return (long)Math.Min(long.MaxValue, (decimal)WarmupLengths(config).Count * config.Train.LengthWarmup.StepsPerStage);
    }

    /// <summary>Seed of the strands and the corruption of a stage.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="length">Bases in the stage's windows.</param>
    public static long SeedOf(long seed, int length) =>
        (long)CounterRandom.Mix(CounterRandom.Key(seed, "length warm-up") ^ (ulong)length);

    /// <summary>The builder of a stage's batches.</summary>
    public static BatchBuilder BuilderOf(LengthStage stage, RunConfig config, TrainingData data)
    {
        ArgumentNullException.ThrowIfNull(stage);
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(data);
        return stage.Length == config.Data.ContextLength
            ? data.TrainBuilder
            : data.TrainBuilderFor(stage.Length).WithSeed(SeedOf(config.Seed, stage.Length));
    }

    private static List<int> WarmupLengths(RunConfig config)
    {
        var lengths = new List<int>();
        for (long length = config.Train.LengthWarmup.StartLength; length >= 2 && length < config.Data.ContextLength; length *= 2)
        {
            lengths.Add((int)length);
        }

        return lengths;
    }

    private static LengthStage Stage(RunConfig config, long first, long end, int length, int shards)
    {
        int windows = (int)Math.Max(1, config.Train.GlobalBatchSize / length);
        // A pass has about as many tokens in every stage, as memory goes by tokens.
        long micro = config.Train.MicroBatchSize == 0 ? windows : (long)config.Train.MicroBatchSize * config.Data.ContextLength / length;
        return new LengthStage(first, end, length, windows, (int)Math.Clamp(micro, 1, (windows + shards - 1) / shards), shards);
    }
}
