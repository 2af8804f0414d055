using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>Convolution, gate and norm on a device with CUDA kernels.</summary>
internal static class LayerCases
{
    private const int Taps = 4;

    internal static IEnumerable<KernelCase> Conv(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        int size = type.ElementSize();
        double rows = (double)shape.Rows * shape.Channels * size;
        Tensor xz = randn([shape.Batch, shape.Length, 2 * shape.Channels], type, device);
        Tensor x = xz.narrow(2, 0, shape.Channels);
        Tensor dx = empty(xz.shape, type, device).narrow(2, 0, shape.Channels);
        ConvDirection[] directions = [.. Enumerable.Range(0, shape.Directions).Select(i => new ConvDirection(
            randn([shape.Channels, 1, Taps], float32, device), randn([shape.Channels], float32, device), i == 1, null))];
        Tensor[] du = [.. directions.Select(_ => randn([shape.Batch, shape.Length, shape.Channels], type, device))];
        yield return new KernelCase("conv", "forward", shape.ToString(), () => ConvKernels.Forward(kernels, x, directions, null))
        {
            Elements = shape.Elements,
            Bytes = rows * (1 + shape.Directions),
        };
        yield return new KernelCase("conv", "backward", shape.ToString(), () => ConvKernels.Backward(kernels, x, directions, null, du, dx))
        {
            Elements = shape.Elements,
            Bytes = rows * (2 + shape.Directions),
        };
    }

    internal static IEnumerable<KernelCase> Gate(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        double rows = (double)shape.Rows * shape.Channels * type.ElementSize();
        Tensor xz = randn([shape.Batch, shape.Length, 2 * shape.Channels], type, device);
        Tensor z = xz.narrow(2, shape.Channels, shape.Channels);
        Tensor dz = empty(xz.shape, type, device).narrow(2, shape.Channels, shape.Channels);
        Tensor Rows() => randn([shape.Batch, shape.Length, shape.Channels], type, device);
        Tensor y0 = Rows();
        Tensor? y1 = shape.Directions > 1 ? Rows() : null;
        Tensor output = empty_like(y0);
        // Without the sum kept, so that y0 stays what it is from run to run.
        yield return new KernelCase("gate", "forward", shape.ToString(), () => GateKernels.Forward(kernels, y0, y1, z, output, false))
        {
            Elements = shape.Elements,
            Bytes = rows * (2 + shape.Directions),
        };
        Tensor dout = Rows();
        Tensor g = empty_like(y0);
        yield return new KernelCase("gate", "backward", shape.ToString(), () => GateKernels.Backward(kernels, dout, y0, null, z, g, dz, null))
        {
            Elements = (double)shape.Rows * shape.Channels,
            Bytes = rows * 5,
        };
    }

    internal static IEnumerable<KernelCase> Norm(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        int size = type.ElementSize();
        Tensor Rows(ScalarType t) => randn([shape.Batch, shape.Length, shape.Channels], t, device);
        Tensor h = Rows(type);
        Tensor residual = Rows(float32);
        Tensor weight = randn([shape.Channels], float32, device);
        yield return new KernelCase("norm", "forward", shape.ToString(),
            () => NormKernels.Forward(kernels, h, residual, weight, 1e-5, type, keepSum: true, keepRstd: false))
        {
            Elements = shape.Elements,
            Bytes = (double)shape.Elements * ((2 * size) + 8),
        };
        Tensor dy = Rows(type);
        Tensor dSum = Rows(float32);
        yield return new KernelCase("norm", "backward", shape.ToString(),
            () => NormKernels.Backward(kernels, residual, null, weight, 1e-5, dy, dSum, inPlace: false, wantDH: true))
        {
            Elements = shape.Elements,
            Bytes = (double)shape.Elements * ((2 * size) + 12),
        };
    }
}
