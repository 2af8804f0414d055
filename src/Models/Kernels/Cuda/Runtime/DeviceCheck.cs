using System.Diagnostics;
using GenoSeq.Torch;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>Compiles a small kernel, runs it, and compares its results: the whole road from text to numbers.</summary>
public static class DeviceCheck
{
    private const int Threads = 256;
    private const int N = 100_003;
    private static readonly KernelProgram s_program = new(["common.cu", "doctor.cu"], "GS_F32_IO=1");

    /// <summary>Checks a device.</summary>
    /// <param name="index">Its index.</param>
    /// <returns>How long it took to compile (or to load from the cache) and to run, and the largest difference from what is right.</returns>
    /// <exception cref="MissingLibraryException">Something that kernels need is not there.</exception>
    public static DeviceCheckResult Run(int index)
    {
        using torch.Tensor like = torch.zeros([1], device: new Device(DeviceType.CUDA, index));
        return Run(KernelDevices.Of(like)!, like.device);
    }

    internal static unsafe DeviceCheckResult Run(KernelDevice device, Device where)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor x = torch.arange(0, N, device: where).to(ScalarType.Float32);
        torch.Tensor y = torch.ones([N], device: where);
        long blocks = (N + Threads - 1) / Threads;
        torch.Tensor sums = torch.zeros([blocks], device: where);
        long started = Stopwatch.GetTimestamp();
        KernelFunction function = device.Function(s_program, "gs_doctor", Threads);
        TimeSpan compiled = Stopwatch.GetElapsedTime(started);
        started = Stopwatch.GetTimestamp();
        device.Launch(function, (blocks, 1, 1), new Argument
        {
            X = (nint)x.data_ptr(),
            Y = (nint)y.data_ptr(),
            Sums = (nint)sums.data_ptr(),
            N = N,
            A = 0.5f,
        });
        // Copying to the host waits for the kernel.
        torch.Tensor host = y.to(Device.CPU);
        torch.Tensor hostSums = sums.to(Device.CPU);
        TimeSpan ran = Stopwatch.GetElapsedTime(started);
        ReadOnlySpan<float> numbers = host.AsSpan<float>();
        double worst = 0;
        for (int i = 0; i < N; i++)
        {
            worst = Math.Max(worst, Math.Abs(numbers[i] - ((0.5 * i) + 1)));
        }

        ReadOnlySpan<float> totals = hostSums.AsSpan<float>();
        for (int b = 0; b < blocks; b++)
        {
            double right = 0;
            for (int i = b * Threads; i < Math.Min(N, (b + 1) * Threads); i++)
            {
                right += (0.5 * i) + 1;
            }

            // A sum of 256 numbers in single precision is right to about 1e-6 of itself.
            worst = Math.Max(worst, Math.Abs(totals[b] - right) / right <= 1e-5 ? 0 : Math.Abs(totals[b] - right));
        }

        return new DeviceCheckResult(compiled, ran, worst);
    }

    private struct Argument
    {
        internal nint X;
        internal nint Y;
        internal nint Sums;
        internal long N;
        internal float A;
    }
}

/// <summary>What <see cref="DeviceCheck"/> saw.</summary>
/// <param name="Compiled">Time to compile the kernel, or to load it from the cache.</param>
/// <param name="Ran">Time to run it and to copy its results.</param>
/// <param name="WorstError">The largest difference from the right results; 0 is expected.</param>
public sealed record DeviceCheckResult(TimeSpan Compiled, TimeSpan Ran, double WorstError);
