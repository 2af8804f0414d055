using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>The selective scan's passes on a device with CUDA kernels. The gate is a kernel of its own.</summary>
internal static class ScanCases
{
    internal static IEnumerable<KernelCase> Of(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        var p = new ScanProblem(shape, type, device);
        string text = shape.ToString();
        yield return new KernelCase("scan", "forward", text, () => Forward(kernels, p, false))
        {
            Elements = shape.Elements,
            Bytes = p.ForwardBytes,
            Exponentials = p.Exponentials,
        };
        yield return new KernelCase("scan", "forward, checkpoints", text, () => Forward(kernels, p, true))
        {
            Elements = shape.Elements,
            Bytes = p.ForwardBytes + p.CheckpointBytes,
            Exponentials = p.Exponentials,
        };
        Tensor[] checkpoints = Forward(kernels, p, true).Checkpoints!;
        yield return new KernelCase("scan", "backward", text, () => Backward(kernels, p, checkpoints))
        {
            Elements = shape.Elements,
            Bytes = p.BackwardBytes,
            Exponentials = p.Exponentials,
        };
        yield return new KernelCase("scan", "forward+backward", text, () => Backward(kernels, p, Forward(kernels, p, true).Checkpoints!))
        {
            Elements = shape.Elements,
            Bytes = p.ForwardBytes + p.CheckpointBytes + p.BackwardBytes,
            Exponentials = 2 * p.Exponentials,
        };
    }

    /// <summary>True when two backward passes give the same bits.</summary>
    internal static bool IsRepeatable(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        var p = new ScanProblem(shape, type, device);
        Tensor[] checkpoints = Forward(kernels, p, true).Checkpoints!;
        Tensor[] first = Results();
        Tensor[] second = Results();
        return first.Zip(second).All(t => t.First.ne(t.Second).any().ToInt64() == 0);

        Tensor[] Results()
        {
            ScanGradients[] g = Backward(kernels, p, checkpoints);
            return [.. g.SelectMany(x => new[] { x.DU, x.DDelta, x.DA, x.DSkip!, x.DDtBias! }), .. p.DB.Concat(p.DC).Select(t => t.contiguous().clone())];
        }
    }

    internal static ScanForwardResult Forward(KernelDevice kernels, ScanProblem p, bool checkpoints) =>
        ScanForwardKernels.Run(kernels, p.Directions, null, checkpoints, false);

    internal static ScanGradients[] Backward(KernelDevice kernels, ScanProblem p, Tensor[] checkpoints) =>
        ScanBackwardKernels.Run(kernels, p.Directions, null, checkpoints, [p.G], p.DB, p.DC, null);
}
