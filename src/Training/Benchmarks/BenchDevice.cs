using System.Diagnostics;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>
/// The device that is measured: a clock (CUDA events, or a stopwatch on the CPU), its state, and facts for the record.
/// </summary>
/// <remarks>
/// Before every timed run of a kernel on a GPU a copy of up to 2 x 512 MiB is queued: it leaves nothing of the inputs in the
/// caches, and gives the host time to queue the kernel, so that the time is the kernel's and not the launch's.
/// </remarks>
public sealed class BenchDevice : IDisposable
{
    private const long FlushBytes = 512L << 20;

    private readonly DeviceMonitor? _monitor;
    private Tensor? _from;
    private Tensor? _to;

    /// <summary>Opens a device.</summary>
    /// <param name="device">Where to measure; its presence has been checked.</param>
    public BenchDevice(Device device)
    {
        Device = device;
        if (!IsCuda)
        {
            Name = EnvironmentInfo.Collect("", 0).CpuModel;
            return;
        }

        Properties = cuda.get_device_properties(device.Index);
        Name = Properties.Name;
        _monitor = DeviceMonitor.Open(device.Index);
    }

    /// <summary>Where.</summary>
    public Device Device { get; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Whether it is a GPU.</summary>
    public bool IsCuda => Device.Type == DeviceType.CUDA;

    /// <summary>Facts about a GPU; null for the CPU.</summary>
    public CudaDeviceProperties? Properties { get; }

    /// <summary>Warps that a multiprocessor can hold.</summary>
    public int WarpsPerMultiprocessor => (Properties?.Major, Properties?.Minor) switch
    {
        (7, 5) => 32,
        (8, 6 or 7 or 9) or (12, _) => 48,
        _ => 64,
    };

    /// <summary>Version of the GPU's driver, or null.</summary>
    public static string? DriverVersion()
    {
        try
        {
            // "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build ..."
            string line = File.ReadLines("/proc/driver/nvidia/version").FirstOrDefault() ?? "";
            return line.Split(' ').FirstOrDefault(w => Version.TryParse(w, out _));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Clocks and power now; null where nothing tells them.</summary>
    public DeviceSample? Sample() => _monitor?.Sample();

    /// <summary>Waits until all work is done.</summary>
    public void Synchronize()
    {
        if (IsCuda)
        {
            cuda.synchronize(Device.Index);
        }
    }

    /// <summary>Gives back what libtorch keeps for later, so that one measurement's memory does not crowd the next.</summary>
    public void FreeMemory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (IsCuda)
        {
            cuda.empty_cache();
        }
    }

    /// <summary>Times work.</summary>
    /// <param name="work">One run.</param>
    /// <param name="warmup">Runs that do not count.</param>
    /// <param name="repeats">Runs that do.</param>
    /// <param name="cold">Without anything of earlier runs in a GPU's caches, and with the host ahead.</param>
    public Timing Measure(Action work, int warmup, int repeats, bool cold)
    {
        for (int i = 0; i < warmup; i++)
        {
            Once(work);
        }

        Synchronize();
        return IsCuda ? MeasureOnDevice(work, repeats, cold) : MeasureOnHost(work, repeats);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _from?.Dispose();
        _to?.Dispose();
    }

    private static Timing MeasureOnHost(Action work, int repeats)
    {
        double[] times = new double[repeats];
        for (int i = 0; i < repeats; i++)
        {
            long begun = Stopwatch.GetTimestamp();
            Once(work);
            times[i] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        }

        return new Timing(times);
    }

    private Timing MeasureOnDevice(Action work, int repeats, bool cold)
    {
        double[] times = new double[repeats];
        for (int i = 0; i < repeats; i++)
        {
            using var begin = new cuda.Event(Device.Index);
            using var end = new cuda.Event(Device.Index);
            if (cold)
            {
                Flush();
            }

            begin.record();
            Once(work);
            end.record();
            end.synchronize();
            times[i] = begin.elapsed_time(end);
        }

        return new Timing(times);
    }

    private static void Once(Action work)
    {
        using DisposeScope scope = NewDisposeScope();
        work();
    }

    private void Flush()
    {
        long bytes = Math.Min(FlushBytes, Properties!.TotalMemory / 16);
        _from ??= zeros([bytes / 4], float32, Device).DetachFromDisposeScope();
        _to ??= zeros([bytes / 4], float32, Device).DetachFromDisposeScope();
        _to.copy_(_from);
    }
}
