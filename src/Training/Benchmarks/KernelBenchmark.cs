using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>
/// Times every kernel on random inputs: on a GPU the CUDA kernels, elsewhere the CPU's. A kernel that fails has its reason
/// where its times would be, and the others go on.
/// </summary>
/// <param name="device">Where.</param>
/// <param name="settings">What, and how often.</param>
public sealed class KernelBenchmark(BenchDevice device, BenchSettings settings)
{
    private const int TransformerWidth = 1408;

    // What needs a device's kernels only; the CPU leaves it to the library.
    private static readonly string[] s_onDevice = ["gate", "ssd", "gated-norm", "embedding", "rope"];

    private readonly KernelDevice? _kernels = FindKernels(device.Device);

    /// <summary>Names that <see cref="BenchSettings.Kernels"/> takes.</summary>
    public static IReadOnlyList<string> Names { get; } = ["scan", "ssd", "gated-norm", "conv", "gate", "norm", "embedding", "head", "adamw", "rope", "swiglu"];

    /// <summary>Type of the activations that are measured.</summary>
    public ScalarType Type { get; } = FindKernels(device.Device) is null ? float32 : settings.Type;

    /// <summary>Runs all that is wanted; each result as soon as it is there.</summary>
    /// <param name="stop">Ends between two kernels.</param>
    public IEnumerable<KernelResult> Run(CancellationToken stop = default)
    {
        foreach (string kernel in Names.Where(settings.Wants).Where(k => _kernels is not null || !s_onDevice.Contains(k)))
        {
            foreach (BenchShape shape in Shapes(kernel))
            {
                using (NewDisposeScope())
                {
                    foreach (KernelResult result in Measure(kernel, shape))
                    {
                        stop.ThrowIfCancellationRequested();
                        yield return result;
                    }
                }

                device.FreeMemory();
            }
        }
    }

    /// <summary>The scan's errors against the double precision reference; nothing when scans are not wanted.</summary>
    public IReadOnlyList<KernelError> Errors() => settings.Wants("scan") ? ScanAccuracy.Run(_kernels, Type, device.Device, settings.Quick) : [];

    private static KernelDevice? FindKernels(Device device)
    {
        using Tensor t = empty([1], float32, device);
        return KernelDevices.Of(t);
    }

    private IEnumerable<BenchShape> Shapes(string kernel)
    {
        int width = kernel switch
        {
            "scan" or "ssd" or "gated-norm" or "conv" or "gate" or "rope" => settings.Channels,
            "swiglu" => device.IsCuda ? TransformerWidth : settings.Channels,
            _ => Math.Max(8, settings.Channels / 2),
        };
        int[] directions = kernel is "scan" or "conv" or "gate" ? [1, 2] : [1];
        if (kernel == "adamw")
        {
            return [new BenchShape(1, 1, 1, width)];
        }

        if (settings.Batch is not null || settings.Length is not null || !device.IsCuda)
        {
            return directions.Select(d => new BenchShape(d, settings.Batch ?? (device.IsCuda ? 1 : 2), settings.Length ?? (device.IsCuda ? 131072 : 1024), width));
        }

        if (kernel != "scan")
        {
            (int, int)[] rows = settings.Quick ? [(8, 8192)] : [(8, 8192), (1, 131072)];
            return rows.SelectMany(r => directions.Select(d => new BenchShape(d, r.Item1, r.Item2, width)));
        }

        (int, int, int)[] scans = settings.Quick
            ? [(1, 64, 1024), (1, 1, 131072)]
            : [(1, 64, 1024), (1, 8, 8192), (1, 1, 131072), (1, 1, 1048576), (1, 512, 1024), (2, 2, 131072), (2, 256, 1024)];
        return scans.Select(s => new BenchShape(s.Item1, s.Item2, s.Item3, width));
    }

    private IEnumerable<KernelCase> Cases(string kernel, BenchShape shape) => (_kernels, kernel) switch
    {
        (null, "scan") => CpuCases.Scan(shape),
        (null, "conv") => CpuCases.Conv(shape),
        (null, "norm") => CpuCases.Norm(shape),
        (null, "swiglu") => CpuCases.SwiGlu(shape),
        (null, "head") => CpuCases.Loss(shape),
        ({ } k, "scan") => ScanCases.Of(k, shape, Type, device.Device),
        ({ } k, "ssd") => SsdCases.Of(k, shape, Type, device.Device),
        ({ } k, "gated-norm") => SsdCases.GatedNorm(k, shape, Type, device.Device),
        ({ } k, "conv") => LayerCases.Conv(k, shape, Type, device.Device),
        ({ } k, "gate") => LayerCases.Gate(k, shape, Type, device.Device),
        ({ } k, "norm") => LayerCases.Norm(k, shape, Type, device.Device),
        ({ } k, "embedding") => EndCases.Embedding(k, shape, Type, device.Device),
        ({ } k, "head") => EndCases.Head(k, shape, Type, device.Device),
        ({ } k, "rope") => EndCases.Rope(k, shape, Type, device.Device),
        ({ } k, "swiglu") => EndCases.SwiGlu(k, shape, Type, device.Device),
        _ => EndCases.AdamW(settings.Quick, device.Device),
    };

    private IEnumerable<KernelResult> Measure(string kernel, BenchShape shape)
    {
        using IEnumerator<KernelCase> cases = Cases(kernel, shape).GetEnumerator();
        while (true)
        {
            KernelResult result;
            try
            {
                if (!cases.MoveNext())
                {
                    yield break;
                }

                result = Measure(cases.Current!, shape);
            }
            catch (Exception e) when (e is TorchException or CudaKernelException or ArgumentException or NotSupportedException)
            {
                // The cases behind it may depend on this one, so the shape ends here.
                result = new KernelResult(kernel, cases.Current?.Pass ?? "", shape.ToString(), Name(Type)) { Error = e.Message.Split('\n')[0] };
            }

            yield return result;
            if (result.Error is not null)
            {
                yield break;
            }
        }
    }

    private KernelResult Measure(KernelCase c, BenchShape shape)
    {
        IReadOnlyList<KernelLaunch> launches = Launches(c);
        DeviceSample? before = device.Sample();
        Timing time = device.Measure(c.Run, settings.Warmup, settings.Repeats, cold: true);
        return new KernelResult(c.Kernel, c.Pass, c.Shape, Name(c.Kernel == "adamw" ? float32 : Type))
        {
            Time = time,
            Elements = c.Elements,
            Unit = c.Unit,
            Bytes = c.Bytes,
            Exponentials = c.Exponentials,
            Launches = launches,
            State = (before, device.Sample()),
            Repeatable = c is not { Kernel: "scan", Pass: "backward" } ? null
                : _kernels is null ? CpuCases.IsRepeatable(shape) : ScanCases.IsRepeatable(_kernels, shape, Type, device.Device),
        };
    }

    // One run that does not count, watched.
    private List<KernelLaunch> Launches(KernelCase c)
    {
        var launches = new List<KernelLaunch>();
        if (_kernels is null)
        {
            return launches;
        }

        double possible = (double)_kernels.Multiprocessors * device.WarpsPerMultiprocessor;
        _kernels.Launched = (f, blocks) => launches.Add(new KernelLaunch(f.Name, blocks, f.Threads, f.Registers, f.SharedBytes, f.LocalBytes,
            Math.Min(blocks, (long)f.BlocksPerMultiprocessor * _kernels.Multiprocessors) * ((f.Threads + 31) / 32) / possible));
        try
        {
            using DisposeScope scope = NewDisposeScope();
            c.Run();
        }
        finally
        {
            _kernels.Launched = null;
        }

        return launches;
    }

    private static string Name(ScalarType type) => type == bfloat16 ? "bf16" : "fp32";
}
