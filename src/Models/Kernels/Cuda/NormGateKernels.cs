using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>RMSNorm of each head and a gate behind it (norm_gate.cu). Activations are bf16 or f32.</summary>
internal static class NormGateKernels
{
    private const int Threads = 256, Piece = 8;

    /// <summary>Whether the kernels take heads of this width.</summary>
    internal static bool Takes(ScalarType type, long width) => type is ScalarType.BFloat16 or ScalarType.Float32 && width % Piece == 0 && width is > 0 and <= 256;

    /// <summary>y / sqrt(mean(y^2) + eps) * weight * f(z), f = silu or sigmoid, the mean over each head.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="y">[batch, length, heads, width], contiguous.</param>
    /// <param name="z">[batch, length, heads * width], rows evenly spaced.</param>
    /// <param name="weight">[width] f32, or null: ones.</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <param name="silu">Else the logistic function.</param>
    /// <returns>[batch, length, heads * width].</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Tensor Forward(KernelDevice device, Tensor y, Tensor z, Tensor? weight, double eps, bool silu)
    {
        Arguments a = Common(y, z, weight, eps, silu);
        Tensor result = empty(z.shape, y.dtype, y.device);
        a.Out = result.data_ptr();
        (KernelFunction function, long grid) = Function(device, "gs_norm_gate_fwd", y.dtype, a);
        device.Launch(function, (grid, 1, 1), a);
        return result;
    }

    /// <summary>Gradients of y and of the weight (f32 [width], null without one); z's is written.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="y">The forward pass's.</param>
    /// <param name="z">The forward pass's.</param>
    /// <param name="weight">The forward pass's.</param>
    /// <param name="eps">The forward pass's.</param>
    /// <param name="silu">The forward pass's.</param>
    /// <param name="dout">[batch, length, heads * width], contiguous.</param>
    /// <param name="dz">The same, rows evenly spaced; overwritten.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor DY, Tensor? DWeight) Backward(KernelDevice device, Tensor y, Tensor z, Tensor? weight, double eps, bool silu, Tensor dout, Tensor dz)
    {
        Arguments a = Common(y, z, weight, eps, silu);
        Tensor dy = empty(y.shape, y.dtype, y.device);
        Tensor? dWeight = weight is null ? null : zeros([a.Width], float32, y.device);
        a.DOut = KernelTensors.Dense(dout, "the gradient", y.dtype, z.shape);
        a.Dy = dy.data_ptr();
        (a.Dz, a.DzStride) = KernelRows.Of(dz, "z's gradient", y.dtype, z.shape);
        if (a.Count == 0) return (dy, dWeight);
        (KernelFunction function, long grid) = Function(device, "gs_norm_gate_bwd", y.dtype, a);
        using Tensor? part = weight is null ? null : empty([grid, a.Width], float32, y.device);
        a.Part = part?.data_ptr() ?? 0;
        device.Launch(function, (grid, 1, 1), a);
        if (part is not null) RowSumKernels.Run(device, part, dWeight!);
        return (dy, dWeight);
    }

    private static Arguments Common(Tensor y, Tensor z, Tensor? weight, double eps, bool silu)
    {
        if (y.dim() != 4 || !Takes(y.dtype, y.size(3)))
        {
            throw new ArgumentException($"y must be bf16 or f32 [batch, length, heads, width], width a multiple of {Piece} up to 256, not {y.Describe()}", nameof(y));
        }

        var a = new Arguments
        {
            Y = KernelTensors.Dense(y, "y", y.dtype, y.shape),
            Weight = KernelTensors.Dense(weight, "the weight", float32, y.size(3)),
            Count = KernelTensors.Count(y.size(0) * y.size(1) * y.size(2), "heads"),
            Heads = (int)y.size(2),
            Width = (int)y.size(3),
            Eps = (float)eps,
            Silu = silu ? 1 : 0,
        };
        (a.Z, a.ZStride) = KernelRows.Of(z, "z", y.dtype, [y.size(0), y.size(1), y.size(2) * y.size(3)]);
        return a;
    }

    private static (KernelFunction Function, long Grid) Function(KernelDevice device, string entry, ScalarType type, in Arguments a)
    {
        int lanes = 1;
        while (lanes * Piece < a.Width) lanes *= 2;
        var program = new KernelProgram(["common.cu", "norm_gate.cu"], KernelTensors.Definitions(type, "y", $"GS_NG_LANES={lanes}"));
        KernelFunction function = device.Function(program, entry, Threads);
        return (function, a.Count == 0 ? 0 : KernelTensors.Grid(device, function, KernelTensors.Ceiling(a.Count, Threads / lanes)));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Y, Z, Weight, Out, DOut, Dy, Dz, Part;
        public long ZStride, DzStride;
        public int Count, Heads, Width;
        public float Eps;
        public int Silu, Pad;
    }
}
