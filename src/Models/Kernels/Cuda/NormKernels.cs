using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>RMSNorm, and LayerNorm where there is a bias, with the residual addition (rmsnorm.cu). The residual stream is f32, activations are bf16 or f32.</summary>
internal static class NormKernels
{
    private const int Threads = 256, RowsOfBlock = 8;

    /// <summary>Widest row: a lane keeps its part in registers.</summary>
    internal const int MaxWidth = 2048;

    /// <summary>r' = h + residual, y = r' / sqrt(mean(r'^2) + eps) * weight; with a bias y = (r' - mean(r')) / sqrt(var(r') + eps) * weight + bias.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="h">[.., width] in the activation type, contiguous; null for zero.</param>
    /// <param name="residual">[.., width] f32, contiguous; null for zero. Not both null.</param>
    /// <param name="weight">[width] f32.</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <param name="activation">bf16 or f32.</param>
    /// <param name="keepSum">Return r'.</param>
    /// <param name="keepRstd">Return the reciprocal roots.</param>
    /// <param name="bias">[width] f32 of LayerNorm, or null: RMSNorm.</param>
    /// <returns>y in the activation type; r' f32 (the residual itself where h is null) and 1 / sqrt(mean + eps) f32 [..] if wanted.</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Y, Tensor? Sum, Tensor? Rstd) Forward(
        KernelDevice device, Tensor? h, Tensor? residual, Tensor weight, double eps, ScalarType activation, bool keepSum, bool keepRstd, Tensor? bias = null)
    {
        Tensor like = h ?? residual ?? throw new ArgumentException("h and the residual are both absent");
        long[] size = like.shape;
        Arguments a = Common(like, weight, eps, bias);
        a.H = KernelTensors.Dense(h, "h", activation, size);
        a.R = KernelTensors.Dense(residual, "the residual", float32, size);
        Tensor y = empty(size, activation, like.device);
        Tensor? sum = !keepSum ? null : h is null ? residual : empty(size, float32, like.device);
        Tensor? rstd = keepRstd ? empty(size[..^1], float32, like.device) : null;
        a.ROut = h is null ? 0 : sum?.data_ptr() ?? 0;
        a.Y = y.data_ptr();
        a.Rstd = rstd?.data_ptr() ?? 0;
        KernelFunction function = Function(device, "gs_norm_fwd", activation, a.Width, bias is not null);
        device.Launch(function, (Grid(device, function, a.Rows), 1, 1), a);
        return (y, sum, rstd);
    }

    /// <summary>Gradients of r' (and so of h and of the residual) and of the weight.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="sum">r' of the forward pass, f32 [.., width].</param>
    /// <param name="rstd">Of the forward pass, or null: recomputed.</param>
    /// <param name="weight">[width] f32.</param>
    /// <param name="eps">As in the forward pass.</param>
    /// <param name="dy">Gradient of y in the activation type, contiguous.</param>
    /// <param name="dSum">f32: gradient that reaches r' by its other uses, or null.</param>
    /// <param name="inPlace">Write the result into <paramref name="dSum"/>.</param>
    /// <param name="wantDH">Return the gradient in the activation type too.</param>
    /// <param name="bias">As in the forward pass.</param>
    /// <returns>The gradient of r' f32, its copy in dy's type if wanted, and the weight's f32 [width], or with a bias both their gradients [2 width].</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor DSum, Tensor? DH, Tensor DWeight) Backward(
        KernelDevice device, Tensor sum, Tensor? rstd, Tensor weight, double eps, Tensor dy, Tensor? dSum, bool inPlace, bool wantDH,
        Tensor? bias = null)
    {
        long[] size = sum.shape;
        ScalarType activation = dy.dtype;
        Arguments a = Common(sum, weight, eps, bias);
        a.ROut = KernelTensors.Dense(sum, "the sum", float32, size);
        a.Rstd = KernelTensors.Dense(rstd, "rstd", float32, size.AsSpan(..^1));
        a.Dy = KernelTensors.Dense(dy, "y's gradient", activation, size);
        a.DROut = KernelTensors.Dense(dSum, "the sum's gradient", float32, size);
        Tensor dr = inPlace && dSum is not null ? dSum : empty(size, float32, sum.device);
        Tensor? dh = wantDH ? empty(size, activation, sum.device) : null;
        a.Dr = dr.data_ptr();
        a.Dh = dh?.data_ptr() ?? 0;
        KernelFunction function = Function(device, "gs_norm_bwd", activation, a.Width, bias is not null);
        long grid = Grid(device, function, a.Rows);
        long sums = (bias is null ? 1 : 2) * (long)a.Width;
        Tensor dWeight = zeros([sums], float32, sum.device);
        if (a.Rows == 0) return (dr, dh, dWeight);
        using Tensor part = empty([grid, sums], float32, sum.device);
        a.Part = part.data_ptr();
        device.Launch(function, (grid, 1, 1), a);
        RowSumKernels.Run(device, part, dWeight);
        return (dr, dh, dWeight);
    }

    private static Arguments Common(Tensor like, Tensor weight, double eps, Tensor? bias)
    {
        int width = KernelRows.Channels(like.size(-1));
        if (width > MaxWidth) throw new ArgumentException($"rows of {width} elements; the kernel takes at most {MaxWidth}");
        return new Arguments
        {
            Weight = KernelTensors.Dense(weight, "the weight", float32, width),
            Rows = KernelTensors.Count(like.numel() / width, "rows"),
            Width = width,
            Eps = (float)eps,
            Bias = KernelTensors.Dense(bias, "the bias", float32, width),
        };
    }

    private static KernelFunction Function(KernelDevice device, string entry, ScalarType activation, int width, bool centered)
    {
        string[] own = centered ? [$"GS_NORM_VECS={(width + 255) / 256}", "GS_NORM_CENTER=1"] : [$"GS_NORM_VECS={(width + 255) / 256}"];
        return device.Function(new KernelProgram(["common.cu", "rmsnorm.cu"], KernelTensors.Definitions(activation, "the activation", own)), entry, Threads);
    }

    private static long Grid(KernelDevice device, KernelFunction function, int rows) =>
        rows == 0 ? 0 : KernelTensors.Grid(device, function, KernelTensors.Ceiling(rows, RowsOfBlock));

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint H, R, Weight, ROut, Y, Rstd, Dy, DROut, Dr, Dh, Part;
        public int Rows, Width;
        public float Eps;
        public int Pad;
        public nint Bias;
    }
}
