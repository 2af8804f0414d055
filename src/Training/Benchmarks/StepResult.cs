using GenoSeq.Models.Kernels.Cuda.Runtime;

namespace GenoSeq.Training.Benchmarks;

/// <summary>Windows of one optimizer step.</summary>
/// <param name="Length">Positions of a window.</param>
/// <param name="Batch">Windows.</param>
public readonly record struct StepShape(int Length, int Batch)
{
    /// <summary>Tokens of a step.</summary>
    public long Tokens => (long)Length * Batch;
}

/// <summary>How often <see cref="StepBenchmark"/> runs, and what.</summary>
public sealed record StepSettings
{
    /// <summary>Steps that do not count.</summary>
    public int Warmup { get; init; } = 2;

    /// <summary>Steps that count.</summary>
    public int Repeats { get; init; } = 5;

    /// <summary>The forward pass to the hidden states, without gradients, instead of training steps.</summary>
    public bool Inference { get; init; }
}

/// <summary>What was measured of whole steps at one shape.</summary>
/// <param name="Shape">Its windows.</param>
public sealed record StepResult(StepShape Shape)
{
    /// <summary>Parameters of the model.</summary>
    public long Parameters { get; init; }

    /// <summary>The times; null when the step failed.</summary>
    public Timing? Time { get; init; }

    /// <summary>Largest memory of the device's tensors during the timed steps; on the CPU of the process.</summary>
    public long? PeakBytes { get; init; }

    /// <summary>What each layer keeps, in words.</summary>
    public string? Plan { get; init; }

    /// <summary>Peak that the plan was expected to have; null where nothing predicts it.</summary>
    public long? PredictedBytes { get; init; }

    /// <summary>State of the device before and after.</summary>
    public (DeviceSample? Before, DeviceSample? After) State { get; init; }

    /// <summary>Why there are no times.</summary>
    public string? Error { get; init; }

    /// <summary>Tokens a second.</summary>
    public double? TokensPerSecond => Time?.PerSecond(Shape.Tokens);

    /// <summary>Predicted over measured peak.</summary>
    public double? PredictedShare => (double?)PredictedBytes / PeakBytes;
}
