using GenoSeq.Models.Kernels.Cuda.Runtime;

namespace GenoSeq.Training.Benchmarks;

/// <summary>What was measured of one pass of one kernel.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Pass">The pass.</param>
/// <param name="Shape">Directions x batch x length x channels.</param>
/// <param name="Type">Type of the activations.</param>
public sealed record KernelResult(string Kernel, string Pass, string Shape, string Type)
{
    /// <summary>The times; null when the kernel failed.</summary>
    public Timing? Time { get; init; }

    /// <summary>Elements, tokens or parameters of a run.</summary>
    public double Elements { get; init; }

    /// <summary>What <see cref="Elements"/> counts.</summary>
    public string Unit { get; init; } = "elements";

    /// <summary>Bytes that a run has to move at least.</summary>
    public double Bytes { get; init; }

    /// <summary>Exponentials of a run's recurrence; 0 where there is none.</summary>
    public double Exponentials { get; init; }

    /// <summary>The launches of a run on a GPU.</summary>
    public IReadOnlyList<KernelLaunch> Launches { get; init; } = [];

    /// <summary>State of the device before and after.</summary>
    public (DeviceSample? Before, DeviceSample? After) State { get; init; }

    /// <summary>Whether two runs gave the same bits; null where that was not asked.</summary>
    public bool? Repeatable { get; init; }

    /// <summary>Why there are no times.</summary>
    public string? Error { get; init; }

    /// <summary>1e9 elements (tokens, parameters) a second.</summary>
    public double? GigaPerSecond => Time?.PerSecond(Elements) / 1e9;

    /// <summary>Share of the copy's bytes a second.</summary>
    public double? ShareOfCopy(BenchLimits limits) => Time?.PerSecond(Bytes) / limits?.CopyBytesPerSecond;

    /// <summary>Share of the exponentials that the device can do; null where there are none or the limit is unknown.</summary>
    public double? ShareOfExponentials(BenchLimits limits) => Exponentials > 0 ? Time?.PerSecond(Exponentials) / limits?.ExponentialsPerSecond : null;

    /// <summary>How full the launch that asks for most warps makes the card; null off a GPU.</summary>
    public double? ResidentShare => Launches.Count > 0 ? Launches.MaxBy(l => l.Blocks * l.Threads)!.ResidentShare : null;
}

/// <summary>An error against the double precision reference at a small shape.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Quantity">What was compared.</param>
/// <param name="RelativeNorm">||ours - reference|| / ||reference||.</param>
public sealed record KernelError(string Kernel, string Quantity, double RelativeNorm);
