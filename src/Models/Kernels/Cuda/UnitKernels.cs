using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Heads of queries and keys brought to length 1 (unit.cu). Activations are bf16 or f32, sums f32.</summary>
internal static class UnitKernels
{
    private const int Threads = 256, Piece = 8;

    /// <summary>Whether the kernels take heads of this width.</summary>
    internal static bool Takes(ScalarType type, long width) => type is ScalarType.BFloat16 or ScalarType.Float32 && width % Piece == 0 && width is > 0 and <= 256;

    /// <summary>x / sqrt(sum(x^2) + eps) over each head; queries times a scale.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">[batch, length, 2 heads * width], queries before keys, rows evenly spaced.</param>
    /// <param name="heads">Heads of queries.</param>
    /// <param name="scale">Factor of queries.</param>
    /// <param name="eps">Added to the sum of squares.</param>
    /// <returns>Queries and keys, [batch, length, heads, width] each.</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Q, Tensor K) Forward(KernelDevice device, Tensor x, long heads, double scale, double eps)
    {
        Arguments a = Common(x, heads, scale, eps);
        long[] shape = [x.size(0), x.size(1), heads, a.Width];
        (Tensor q, Tensor k) = (empty(shape, x.dtype, x.device), empty(shape, x.dtype, x.device));
        (a.Q, a.K) = (q.data_ptr(), k.data_ptr());
        Launch(device, "gs_unit_fwd", x.dtype, a);
        return (q, k);
    }

    /// <summary>x's gradient, contiguous.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">The forward pass's.</param>
    /// <param name="heads">The forward pass's.</param>
    /// <param name="scale">The forward pass's.</param>
    /// <param name="eps">The forward pass's.</param>
    /// <param name="dq">[batch, length, heads, width], contiguous.</param>
    /// <param name="dk">The same.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Tensor Backward(KernelDevice device, Tensor x, long heads, double scale, double eps, Tensor dq, Tensor dk)
    {
        Arguments a = Common(x, heads, scale, eps);
        long[] shape = [x.size(0), x.size(1), heads, a.Width];
        Tensor dx = empty(x.shape, x.dtype, x.device);
        (a.DQ, a.DK, a.DX) = (KernelTensors.Dense(dq, "the queries' gradient", x.dtype, shape), KernelTensors.Dense(dk, "the keys' gradient", x.dtype, shape), dx.data_ptr());
        Launch(device, "gs_unit_bwd", x.dtype, a);
        return dx;
    }

    private static Arguments Common(Tensor x, long heads, double scale, double eps)
    {
        if (x.dim() != 3 || heads < 1 || x.size(2) % (2 * heads) != 0 || !Takes(x.dtype, x.size(2) / (2 * heads)))
        {
            throw new ArgumentException($"x must be bf16 or f32 [batch, length, 2 * {heads} * width], width a multiple of {Piece} up to 256, not {x.Describe()}", nameof(x));
        }

        var a = new Arguments
        {
            Count = KernelTensors.Count(x.size(0) * x.size(1) * 2 * heads, "heads"),
            Heads = (int)heads,
            Width = (int)(x.size(2) / (2 * heads)),
            Eps = (float)eps,
            Scale = (float)scale,
        };
        (a.X, a.XStride) = KernelRows.Of(x, "x", x.dtype, x.shape);
        return a;
    }

    private static void Launch(KernelDevice device, string entry, ScalarType type, in Arguments a)
    {
        int lanes = 1;
        while (lanes * Piece < a.Width) lanes *= 2;
        var program = new KernelProgram(["common.cu", "unit.cu"], KernelTensors.Definitions(type, "x", $"GS_UNIT_LANES={lanes}"));
        KernelFunction function = device.Function(program, entry, Threads);
        device.Launch(function, (a.Count == 0 ? 0 : KernelTensors.Grid(device, function, KernelTensors.Ceiling(a.Count, Threads / lanes)), 1, 1), a);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint X, Q, K, DQ, DK, DX;
        public long XStride;
        public int Count, Heads, Width;
        public float Eps, Scale;
        public int Pad;
    }
}
