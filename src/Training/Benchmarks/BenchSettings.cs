using GenoSeq.Torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>What <see cref="KernelBenchmark"/> measures, and how often.</summary>
public sealed record BenchSettings
{
    /// <summary>Batch size of every kernel; null: the standard shapes.</summary>
    public int? Batch { get; init; }

    /// <summary>Length of every kernel; null: the standard shapes.</summary>
    public int? Length { get; init; }

    /// <summary>Channels of scan, convolution and gate (d_inner); half of it is the width of the residual stream.</summary>
    public int Channels { get; init; } = 512;

    /// <summary>Few repeats and few shapes.</summary>
    public bool Quick { get; init; }

    /// <summary>Type of the activations; the CPU's kernels know single precision only.</summary>
    public ScalarType Type { get; init; } = ScalarType.BFloat16;

    /// <summary>Kernels to measure; empty: all.</summary>
    public IReadOnlyList<string> Kernels { get; init; } = [];

    /// <summary>Runs that do not count.</summary>
    public int Warmup => Quick ? 1 : 3;

    /// <summary>Runs that count.</summary>
    public int Repeats => Quick ? 3 : 10;

    internal bool Wants(string kernel) => Kernels.Count == 0 || Kernels.Contains(kernel);
}

/// <summary>Shape of a kernel's work.</summary>
/// <param name="Directions">Scans or convolutions in one launch, every second one reversed.</param>
/// <param name="Batch">Batch entries.</param>
/// <param name="Length">Positions.</param>
/// <param name="Channels">Channels.</param>
internal readonly record struct BenchShape(int Directions, int Batch, int Length, int Channels)
{
    internal long Rows => (long)Batch * Length;

    internal long Elements => Directions * Rows * Channels;

    public override string ToString() => FormattableString.Invariant($"{(Directions > 1 ? $"{Directions} x " : "")}{Batch} x {Length} x {Channels}");
}
