using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>What the device reaches at most, measured in the same run.</summary>
/// <param name="CopyBytesPerSecond">Bytes read and written by a copy.</param>
/// <param name="MatmulFlops">Floating point operations a second of a matrix product: bf16 on a GPU, single precision on the CPU.</param>
/// <param name="MatmulSize">Rows and columns of its matrices.</param>
/// <param name="ExponentialsPerSecond">Exponentials of a GPU at the clock seen: 16 a cycle and multiprocessor; null where that is unknown.</param>
public sealed record BenchLimits(double CopyBytesPerSecond, double MatmulFlops, int MatmulSize, double? ExponentialsPerSecond)
{
    private const int ExponentialsPerCycle = 16;

    /// <summary>Measures them.</summary>
    /// <param name="device">Where.</param>
    /// <param name="settings">How often.</param>
    public static BenchLimits Measure(BenchDevice device, BenchSettings settings)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(settings);
        using DisposeScope scope = NewDisposeScope();
        long bytes = device.IsCuda ? Math.Min(4L << 30, device.Properties!.TotalMemory / 8) : settings.Quick ? 16L << 20 : 256L << 20;
        Tensor from = randn([bytes / 4], float32, device.Device);
        Tensor to = empty([bytes / 4], float32, device.Device);
        Timing copy = device.Measure(() => to.copy_(from), settings.Warmup, settings.Repeats, cold: false);
        from.Dispose();
        to.Dispose();

        int n = device.IsCuda ? 8192 : settings.Quick ? 256 : 1024;
        ScalarType type = device.IsCuda ? bfloat16 : float32;
        Tensor a = randn([n, n], type, device.Device);
        Tensor b = randn([n, n], type, device.Device);
        Timing product = device.Measure(() => a.mm(b), settings.Warmup, settings.Repeats, cold: false);
        double? exponentials = device.Sample()?.SmClockMhz is { } mhz && device.Properties is { } p
            ? (double)p.Multiprocessors * ExponentialsPerCycle * mhz * 1e6 : null;
        return new BenchLimits(copy.PerSecond(2.0 * bytes), product.PerSecond(2.0 * n * n * n), n, exponentials);
    }
}
