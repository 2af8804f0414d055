using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>The scan's kernels against the double precision reference, on the same rounded inputs, at shapes that it can do.</summary>
internal static class ScanAccuracy
{
    private const int Usual = 301;

    // Around the blocks of 16 steps, tiles of 128 and segments that the kernels cut time into; primes.
    private static readonly int[] s_lengths = [1, 2, 7, 15, 16, 17, 31, 97, 127, 128, 129, 257, Usual, 1009, 2053, 4999];

    internal static List<KernelError> Run(KernelDevice? kernels, ScalarType type, Device device, bool quick)
    {
        var errors = new List<KernelError>();
        foreach (int length in quick ? [Usual] : s_lengths)
        {
            errors.AddRange(Run(kernels, type, device, length));
        }

        return errors;
    }

    private static List<KernelError> Run(KernelDevice? kernels, ScalarType type, Device device, int length)
    {
        using DisposeScope scope = NewDisposeScope();
        var p = new ScanProblem(new BenchShape(2, 2, length, 48), type, device);
        Dictionary<string, Tensor>[] ours = kernels is null ? [.. p.Directions.Select(d => OnCpu<float>(d, p.G))] : OnDevice(kernels, p);
        var errors = new List<KernelError>();
        for (int i = 0; i < ours.Length; i++)
        {
            foreach ((string name, Tensor expected) in OnCpu<double>(InDouble(p.Directions[i]), Double(p.G)))
            {
                // A quantity may be zero throughout, as dA is after one step from an empty state; what is not a number is wrong without end.
                double difference = (Double(ours[i][name]) - expected).norm().item();
                double norm = difference == 0 ? 0 : double.IsNaN(difference) ? double.PositiveInfinity : difference / expected.norm().item();
                errors.Add(new KernelError("scan", $"{name}, length {length}{(p.Directions[i].Reverse ? ", reversed" : "")}", norm));
            }
        }

        return errors;
    }

    private static Dictionary<string, Tensor>[] OnDevice(KernelDevice kernels, ScanProblem p)
    {
        ScanForwardResult forward = ScanCases.Forward(kernels, p, true);
        ScanGradients[] g = ScanCases.Backward(kernels, p, forward.Checkpoints!);
        return [.. g.Select((x, i) => new Dictionary<string, Tensor>
        {
            ["y"] = forward.Y[i],
            ["du"] = x.DU,
            ["ddelta"] = x.DDelta,
            ["dB"] = p.DB[i],
            ["dC"] = p.DC[i],
            ["dA"] = x.DA,
            ["dD"] = x.DSkip!,
            ["dbias"] = x.DDtBias!,
        })];
    }

    private static Dictionary<string, Tensor> OnCpu<T>(ScanDirection d, Tensor g)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var scan = new ScanOnCpu<T>(d, g);
        scan.Forward(true);
        scan.Backward();
        return new Dictionary<string, Tensor>
        {
            ["y"] = scan.Y,
            ["du"] = scan.DU,
            ["ddelta"] = scan.DDelta,
            ["dB"] = scan.DB,
            ["dC"] = scan.DC,
            ["dA"] = scan.DA,
            ["dD"] = scan.DSkip,
            ["dbias"] = scan.DBias,
        };
    }

    private static ScanDirection InDouble(ScanDirection d) => d with
    {
        U = Double(d.U),
        Delta = Double(d.Delta),
        B = Double(d.B),
        C = Double(d.C),
        A = Double(d.A),
        Skip = Double(d.Skip!),
        DtBias = Double(d.DtBias!),
    };

    private static Tensor Double(Tensor t) => t.cpu().to(float64).contiguous();
}
