using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The gate of a mixer with one or two directions (gate.cu). Tensors are [..., d_inner], bf16 or f32 alike, rows evenly spaced.</summary>
internal static class GateKernels
{
    private const int Threads = 256, PiecesOfThread = 1; // GS_GATE_VECS
    private static readonly KernelProgram s_bf16 = new(["common.cu", "gate.cu"]);
    private static readonly KernelProgram s_f32 = new(["common.cu", "gate.cu"], "GS_F32_IO=1");

    /// <summary>out = (y0 + y1) * silu(z).</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="y0">First direction.</param>
    /// <param name="y1">Second direction, or null.</param>
    /// <param name="z">Gate.</param>
    /// <param name="output">Overwritten.</param>
    /// <param name="keepSum">Overwrite <paramref name="y0"/> by y0 + y1, rounded to its type, for the backward pass.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static void Forward(KernelDevice device, Tensor y0, Tensor? y1, Tensor z, Tensor output, bool keepSum)
    {
        Arguments a = Common(z, out long pieces);
        (a.Y0, a.Y0Stride) = KernelRows.Of(y0, "y0", z.dtype, z.shape);
        (a.Y1, a.Y1Stride) = KernelRows.Of(y1, "y1", z.dtype, z.shape);
        (a.Out, a.OutStride) = KernelRows.Of(output, "the output", z.dtype, z.shape);
        a.Sum = keepSum && y1 is not null ? a.Y0 : 0;
        Launch(device, "gs_gate_fwd", z.dtype, pieces, a);
    }

    /// <summary>g = dout * silu(z), dz = dout * (y0 + y1) * silu'(z), and if it is wanted the forward pass's output once more.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="dout">Gradient of the output.</param>
    /// <param name="y0">The first direction, or the sum that the forward pass kept.</param>
    /// <param name="y1">The second direction where <paramref name="y0"/> is not the sum, or null: the sum is rounded as the forward pass does.</param>
    /// <param name="z">The forward pass's.</param>
    /// <param name="g">Overwritten: gradient of y0 and of y1. May be <paramref name="dout"/>.</param>
    /// <param name="dz">Overwritten: gradient of z. May not overlap what is read.</param>
    /// <param name="output">Overwritten: the output, to the bit as <see cref="Forward"/> gives it. May be <paramref name="y0"/>; null: not wanted.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static void Backward(KernelDevice device, Tensor dout, Tensor y0, Tensor? y1, Tensor z, Tensor g, Tensor dz, Tensor? output)
    {
        Arguments a = Common(z, out long pieces);
        (a.DOut, a.DOutStride) = KernelRows.Of(dout, "the output's gradient", z.dtype, z.shape);
        (a.Y0, a.Y0Stride) = KernelRows.Of(y0, "y0", z.dtype, z.shape);
        (a.Y1, a.Y1Stride) = KernelRows.Of(y1, "y1", z.dtype, z.shape);
        (a.Out, a.OutStride) = KernelRows.Of(output, "the output", z.dtype, z.shape);
        (a.G, a.GStride) = KernelRows.Of(g, "g", z.dtype, z.shape);
        (a.Dz, a.DzStride) = KernelRows.Of(dz, "dz", z.dtype, z.shape);
        Launch(device, "gs_gate_bwd", z.dtype, pieces, a);
    }

    private static Arguments Common(Tensor z, out long pieces)
    {
        int width = KernelRows.Channels(z.size(-1));
        pieces = z.numel() / 8;
        var a = new Arguments { Pieces = KernelTensors.Count(pieces, "pieces of 8 elements"), Vecs = width / 8 };
        (a.Z, a.ZStride) = KernelRows.Of(z, "z", z.dtype, z.shape);
        return a;
    }

    private static void Launch(KernelDevice device, string entry, ScalarType type, long pieces, in Arguments a)
    {
        KernelTensors.Definitions(type, "the gate");
        KernelFunction function = device.Function(type == float32 ? s_f32 : s_bf16, entry, Threads);
        device.Launch(function, (KernelTensors.Ceiling(pieces, Threads * PiecesOfThread), 1, 1), a);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Y0, Y1, Z, Out, Sum, DOut, G, Dz;
        public long Y0Stride, Y1Stride, ZStride, OutStride, DOutStride, GStride, DzStride;
        public int Pieces, Vecs;
    }
}
