using GenoSeq.Models;
using GenoSeq.Models.Memory;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Benchmarks;

/// <summary>Predicted, and if wanted measured, memory of one policy at one shape.</summary>
/// <param name="Shape">Windows of a step.</param>
/// <param name="Policy">What the backward pass computes again.</param>
/// <param name="Plan">What each layer keeps, in words.</param>
/// <param name="PredictedBytes">Peak on a GPU with kernels.</param>
/// <param name="Measured">A step that was taken, or null.</param>
public sealed record MemoryResult(StepShape Shape, Recompute Policy, string Plan, long PredictedBytes, StepResult? Measured);

/// <summary>The memory that training takes, by length and policy.</summary>
/// <param name="config">The model and how it is trained; its data are not read.</param>
/// <param name="device">Where.</param>
public sealed class MemoryBenchmark(RunConfig config, BenchDevice device)
{
    private const double UnknownGpuGib = 80;
    private const double Share = 0.94;

    /// <summary>Predicts one shape under one policy, and takes two steps of it if that is wanted.</summary>
    /// <param name="shape">Windows of a step.</param>
    /// <param name="policy">What the backward pass computes again.</param>
    /// <param name="measure">Also take steps.</param>
    public MemoryResult Run(StepShape shape, Recompute policy, bool measure)
    {
        RunConfig run = config with { Train = config.Train with { Recompute = policy } };
        using SequenceModel model = ModelFile.Create(run.Model);
        int micro = run.Train.MicroBatchSize == 0 ? shape.Batch : Math.Min(run.Train.MicroBatchSize, shape.Batch);
        PassShape pass = MemoryPlanning.Shape(run, micro, shape.Length);
        LayerMemory[] plan = policy == Recompute.Auto
            ? TrainingMemory.Choose(run.Model, model.NumParameters, pass, (long)(AvailableGib() * (1L << 30)))
            : MemoryPlanning.For(run, model, micro, shape.Length);
        return new MemoryResult(shape, policy, TrainingMemory.Describe(plan),
            TrainingMemory.Peak(run.Model, model.NumParameters, pass, plan),
            measure ? new StepBenchmark(run, device, new StepSettings { Warmup = 1, Repeats = 1 }).Run(shape) : null);
    }

    private double AvailableGib()
    {
        double there = device.Properties is { } p ? Share * p.TotalMemory / (1L << 30) : Share * UnknownGpuGib;
        return config.Train.MemoryLimitGib > 0 ? Math.Min(there, config.Train.MemoryLimitGib) : there;
    }
}
