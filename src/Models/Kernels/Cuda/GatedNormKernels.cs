using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>RMSNorm of y silu(z) (gated_norm.cu). Activations are bf16 or f32.</summary>
internal static class GatedNormKernels
{
    /// <summary>Widest row: a lane keeps its part in registers.</summary>
    internal const int MaxWidth = 1024;

    private const int Threads = 256, RowsOfBlock = 8;

    /// <summary>x / sqrt(mean(x^2) + eps) * weight of x = y silu(z).</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="y">[.., width], contiguous.</param>
    /// <param name="z">The same, rows evenly spaced.</param>
    /// <param name="weight">[width] f32.</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Tensor Forward(KernelDevice device, Tensor y, Tensor z, Tensor weight, double eps)
    {
        Arguments a = Common(y, z, weight, eps);
        Tensor result = empty(y.shape, y.dtype, y.device);
        a.Out = result.data_ptr();
        KernelFunction function = Function(device, "gs_gated_norm_fwd", y.dtype, a.Width);
        device.Launch(function, (Grid(device, function, a.Rows), 1, 1), a);
        return result;
    }

    /// <summary>Gradients of y, of the weight (f32 [width]), and of z, which is written.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="y">The forward pass's.</param>
    /// <param name="z">The forward pass's.</param>
    /// <param name="weight">The forward pass's.</param>
    /// <param name="eps">The forward pass's.</param>
    /// <param name="dout">[.., width], contiguous.</param>
    /// <param name="dz">[.., width], rows evenly spaced; overwritten.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor DY, Tensor DWeight) Backward(KernelDevice device, Tensor y, Tensor z, Tensor weight, double eps, Tensor dout, Tensor dz)
    {
        Arguments a = Common(y, z, weight, eps);
        Tensor dy = empty(y.shape, y.dtype, y.device);
        Tensor dWeight = zeros([a.Width], float32, y.device);
        a.DOut = KernelTensors.Dense(dout, "the gradient", y.dtype, y.shape);
        a.Dy = dy.data_ptr();
        (a.Dz, a.DzStride) = KernelRows.Of(dz, "z's gradient", y.dtype, y.shape);
        if (a.Rows == 0) return (dy, dWeight);
        KernelFunction function = Function(device, "gs_gated_norm_bwd", y.dtype, a.Width);
        long grid = Grid(device, function, a.Rows);
        using Tensor part = empty([grid, a.Width], float32, y.device);
        a.Part = part.data_ptr();
        device.Launch(function, (grid, 1, 1), a);
        RowSumKernels.Run(device, part, dWeight);
        return (dy, dWeight);
    }

    private static Arguments Common(Tensor y, Tensor z, Tensor weight, double eps)
    {
        int width = KernelRows.Channels(y.size(-1));
        if (width > MaxWidth) throw new ArgumentException($"rows of {width} elements; the kernel takes at most {MaxWidth}");
        var a = new Arguments
        {
            Y = KernelTensors.Dense(y, "y", y.dtype, y.shape),
            Weight = KernelTensors.Dense(weight, "the weight", float32, width),
            Rows = KernelTensors.Count(y.numel() / width, "rows"),
            Width = width,
            Eps = (float)eps,
        };
        (a.Z, a.ZStride) = KernelRows.Of(z, "z", y.dtype, y.shape);
        return a;
    }

    private static KernelFunction Function(KernelDevice device, string entry, ScalarType type, int width) => device.Function(
        new KernelProgram(["common.cu", "gated_norm.cu"], KernelTensors.Definitions(type, "y", $"GS_NORM_VECS={(width + 255) / 256}")), entry, Threads);

    private static long Grid(KernelDevice device, KernelFunction function, int rows) =>
        rows == 0 ? 0 : KernelTensors.Grid(device, function, KernelTensors.Ceiling(rows, RowsOfBlock));

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Y, Z, Weight, Out, DOut, Dy, Dz, Part;
        public long ZStride, DzStride;
        public int Rows, Width;
        public float Eps;
        public int Pad;
    }
}
