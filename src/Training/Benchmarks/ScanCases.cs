using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>
/// The selective scan's passes on a device with CUDA kernels, with dense checkpoints and, "sparse", with others. The gate is a kernel of its own.
/// </summary>
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
        foreach ((int steps, string note) in ((int, string)[])[(ScanShape.DenseSteps, ""), (ScanShape.CheckpointSteps, ", sparse")])
        {
            yield return new KernelCase("scan", "forward, checkpoints" + note, text, () => Forward(kernels, p, true, steps))
            {
                Elements = shape.Elements,
                Bytes = p.ForwardBytes + p.CheckpointBytes(steps),
                Exponentials = p.Exponentials,
            };
            Tensor[] checkpoints = Forward(kernels, p, true, steps).Checkpoints!;
            yield return new KernelCase("scan", "backward" + note, text, () => Backward(kernels, p, checkpoints))
            {
                Elements = shape.Elements,
                Bytes = p.BackwardBytes(steps),
                Exponentials = p.Exponentials,
            };
            yield return new KernelCase("scan", "forward+backward" + note, text, () => Backward(kernels, p, Forward(kernels, p, true, steps).Checkpoints!))
            {
                Elements = shape.Elements,
                Bytes = p.ForwardBytes + p.CheckpointBytes(steps) + p.BackwardBytes(steps),
                Exponentials = 2 * p.Exponentials,
            };
        }
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

    internal static ScanForwardResult Forward(KernelDevice kernels, ScanProblem p, bool checkpoints, int steps = ScanShape.DenseSteps) =>
        ScanForwardKernels.Run(kernels, p.Directions, null, checkpoints, false, checkpointSteps: steps);

    internal static ScanGradients[] Backward(KernelDevice kernels, ScanProblem p, Tensor[] checkpoints) =>
        ScanBackwardKernels.Run(kernels, p.Directions, null, checkpoints, [p.G], p.DB, p.DC, null);
}
