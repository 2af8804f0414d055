using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>Mamba-2's recurrence and its gated norm on a device with CUDA kernels: heads of width 64, 64 states, one group.</summary>
internal static class SsdCases
{
    private const long Width = 64;

    internal static IEnumerable<KernelCase> Of(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        long heads = Math.Max(1, shape.Channels / Width);
        long values = heads * Width;
        Tensor u = randn([shape.Batch, shape.Length, values + (2 * Width)], type, device);
        Tensor du = empty(u.shape, type, device);
        Tensor steps = rand([shape.Batch, shape.Length, heads], float32, device) * 0.1;
        var x = new SsdInputs(Part(u, values + Width, 1), Part(u, values, 1), Part(u, 0, heads), steps * -4)
        {
            Scale = steps,
            Skip = ones([heads], float32, device),
        };
        Tensor y = empty([shape.Batch, shape.Length, heads, Width], type, device);
        double rows = (double)shape.Rows * type.ElementSize();

        // States at chunks' starts: written, read and written, read; their gradients likewise.
        double states = 4 * (double)values * Width / SsdKernels.Chunk(type);
        yield return new KernelCase("ssd", "forward", shape.ToString(), () => SsdKernels.Forward(kernels, x, y))
        {
            Elements = (double)shape.Rows * values,
            Bytes = rows * ((3 * values) + (3 * Width) + states),
        };
        (_, SsdStates kept) = SsdKernels.Forward(kernels, x, y);
        yield return new KernelCase("ssd", "backward", shape.ToString(), () => SsdKernels.Backward(kernels, x, kept, y, null,
            new SsdTargets(Part(du, values + Width, 1), Part(du, values, 1), Part(du, 0, heads))))
        {
            Elements = (double)shape.Rows * values,
            Bytes = rows * ((4 * values) + (5 * Width) + (states * 5 / 4)),
        };
    }

    internal static IEnumerable<KernelCase> GatedNorm(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        Tensor Wide() => randn([shape.Batch, shape.Length, 2 * shape.Channels], type, device).narrow(2, 0, shape.Channels);
        (Tensor z, Tensor dz, Tensor weight) = (Wide(), Wide(), ones([shape.Channels], float32, device));
        Tensor y = randn([shape.Batch, shape.Length, shape.Channels], type, device);
        Tensor dout = randn(y.shape, type, device);
        double rows = (double)shape.Elements * type.ElementSize();
        yield return new KernelCase("gated-norm", "forward", shape.ToString(), () => GatedNormKernels.Forward(kernels, y, z, weight, 1e-5))
        {
            Elements = shape.Elements,
            Bytes = 3 * rows,
        };
        yield return new KernelCase("gated-norm", "backward", shape.ToString(), () => GatedNormKernels.Backward(kernels, y, z, weight, 1e-5, dout, dz))
        {
            Elements = shape.Elements,
            Bytes = 5 * rows,
        };
    }

    private static Tensor Part(Tensor u, long first, long count) => u.narrow(2, first, count * Width).view(u.size(0), u.size(1), count, Width);
}
