using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The chunked recurrence with a decay for each row of the state (gla_*.cu), forward and backward.</summary>
/// <remarks>
/// S_t = diag(exp g_t) S_(t-1) + k_t v_t^T, y_t = S_t^T q_t, or S_(t-1)^T q_t. Activations are bf16 or f32, everything else is f32; sums have a fixed order.
/// States at the starts of chunks of 16 positions are kept in the activation type.
/// </remarks>
internal static class GlaKernels
{
    /// <summary>Widest keys and values.</summary>
    internal const int MaxWidth = 128;

    /// <summary>Positions of a chunk.</summary>
    internal const int Chunk = 16;

    /// <summary>Outputs, the state behind the last position, and what the backward pass reads.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What goes in.</param>
    /// <param name="y">[batch, length, heads, p], rows evenly spaced; overwritten.</param>
    /// <returns>f32 [batch, heads, n, p]; states [batch, chunks, heads, n, p] and what is left of them f32 [batch, chunks, heads, n].</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Last, SsdStates States) Forward(KernelDevice device, in GlaInputs x, Tensor y)
    {
        Arguments a = Common(x);
        ScalarType type = x.V.dtype;
        (a.Y, a.YStride) = KernelRows.Of(SsdKernels.Flat(y), "y", type, SsdKernels.Flat(x.V).shape);
        (long batch, long heads, long n, long p) = (x.V.size(0), x.V.size(2), x.Q.size(3), x.V.size(3));
        Tensor last = empty([batch, heads, n, p], float32, y.device);
        var states = new SsdStates(empty([batch, a.Chunks, heads, n, p], type, y.device), empty([batch, a.Chunks, heads, n], float32, y.device));
        (a.States, a.Through) = (states.Entering.data_ptr(), states.Through.data_ptr());
        Launch(device, x, "gs_gla_states", StatesBytes(x), a);
        StatePassKernels.Run(device, states.Entering, states.Through, x.State, last, back: false);
        Launch(device, x, "gs_gla_out", OutBytes(x), a);
        return (last, states);
    }

    /// <summary>Gradients of everything that went in: of g, and of the state before the first position.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What went in.</param>
    /// <param name="states">Of the forward pass.</param>
    /// <param name="dy">Gradient of y [batch, length, heads, p], rows evenly spaced.</param>
    /// <param name="dlast">Gradient of the last state, f32 [batch, heads, n, p], or null.</param>
    /// <param name="to">Where the activations' gradients go.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor G, Tensor State) Backward(KernelDevice device, in GlaInputs x, SsdStates states, Tensor dy, Tensor? dlast, in SsdTargets to)
    {
        ScalarType type = x.V.dtype;
        long[] keys = SsdKernels.Flat(x.Q).shape, values = SsdKernels.Flat(x.V).shape;
        Tensor dg = empty(x.G.shape, float32, dy.device);
        Tensor dstate = empty([x.V.size(0), x.V.size(2), x.Q.size(3), x.V.size(3)], float32, dy.device);
        using DisposeScope scope = NewDisposeScope();
        Arguments a = Common(x);
        (a.Dy, a.DyStride) = KernelRows.Of(SsdKernels.Flat(dy), "y's gradient", type, values);
        (a.Dq, a.DqStride) = KernelRows.Of(SsdKernels.Flat(to.Q), "q's gradient", type, keys);
        (a.Dk, a.DkStride) = KernelRows.Of(SsdKernels.Flat(to.K), "k's gradient", type, keys);
        (a.Dv, a.DvStride) = KernelRows.Of(SsdKernels.Flat(to.V), "v's gradient", type, values);
        a.Dg = dg.data_ptr();

        // Gradients of the states: the same two kernels from the other end.
        Tensor after = empty(states.Entering.shape, type, dy.device);
        Arguments back = a;
        back.Adjoint = 1;
        (back.K, back.KStride, back.V, back.VStride) = (a.Q, a.QStride, a.Dy, a.DyStride);
        (back.States, back.Through) = (after.data_ptr(), states.Through.data_ptr());
        Launch(device, x, "gs_gla_states", StatesBytes(x), back);
        StatePassKernels.Run(device, after, states.Through, dlast, dstate, back: true);

        (a.States, a.After) = (states.Entering.data_ptr(), after.data_ptr());
        Launch(device, x, "gs_gla_bwd", BackBytes(x), a);
        return (dg, dstate);
    }

    /// <summary>Checks everything, and says where it lies.</summary>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Arguments Common(in GlaInputs x)
    {
        (Tensor q, Tensor v) = (x.Q, x.V);
        if (v.dim() != 4 || q.dim() != 4 || v.dtype is not (ScalarType.BFloat16 or ScalarType.Float32) || q.size(3) % 16 != 0 || v.size(3) % 16 != 0
            || q.size(3) is < 1 or > MaxWidth || v.size(3) is < 1 or > MaxWidth || v.size(2) != q.size(2) || v.size(1) < 1)
        {
            throw new ArgumentException($"the kernels do not take queries {q.Describe()} and values {v.Describe()}: both [batch, length, heads, width], "
                + $"widths multiples of 16 up to {MaxWidth}, at least one position");
        }

        long[] keys = SsdKernels.Flat(q).shape;
        var a = new Arguments
        {
            G = KernelTensors.Dense(x.G, "the decays", float32, q.shape),
            Ids = KernelTensors.Dense(x.Ids, "the sequence ids", int32, v.size(0), v.size(1)),
            Batch = KernelTensors.Count(v.size(0), "batch entries"),
            Length = KernelTensors.Count(v.size(1), "positions"),
            Chunks = (int)KernelTensors.Ceiling(v.size(1), Chunk),
            Heads = KernelTensors.Count(v.size(2), "heads"),
            Reverse = x.Reverse ? 1 : 0,
            Late = x.Late ? 1 : 0,
        };
        (a.Q, a.QStride) = KernelRows.Of(SsdKernels.Flat(q), "q", v.dtype, keys);
        (a.K, a.KStride) = KernelRows.Of(SsdKernels.Flat(x.K), "k", v.dtype, keys);
        (a.V, a.VStride) = KernelRows.Of(SsdKernels.Flat(v), "v", v.dtype, SsdKernels.Flat(v).shape);
        return a;
    }

    private static void Launch(KernelDevice device, in GlaInputs x, string entry, int bytes, in Arguments a)
    {
        string file = entry == "gs_gla_bwd" ? "gla_bwd.cu" : "gla_fwd.cu";
        var program = new KernelProgram(["common.cu", "split_mma.cu", "tiles.cu", "gla_args.cu", file],
            KernelTensors.Definitions(x.V.dtype, "v", $"GS_GLA_N={x.Q.size(3)}", $"GS_GLA_P={x.V.size(3)}"));
        device.Launch(device.Function(program, entry, 32, bytes), ((long)a.Chunks * a.Heads, 1, a.Batch), a);
    }

    // What the files call V_STATES_SMEM, V_OUT_SMEM and V_BWD_SMEM.
    private static int StatesBytes(in GlaInputs x) => Tile(x, Chunk, x.Q.size(3)) + (2 * Tile(x, Chunk, x.V.size(3)));

    private static int OutBytes(in GlaInputs x) => (2 * Tile(x, Chunk, x.Q.size(3))) + Tile(x, Chunk, x.V.size(3)) + Tile(x, x.Q.size(3), x.V.size(3))
        + Tile(x, Chunk, Chunk) + Sums(x);

    private static int BackBytes(in GlaInputs x) => (3 * Tile(x, Chunk, x.Q.size(3))) + (2 * Tile(x, Chunk, x.V.size(3)))
        + (2 * Tile(x, x.Q.size(3), x.V.size(3))) + Tile(x, Chunk, Chunk) + (3 * Sums(x)) + (Chunk * 20 * 4);

    internal static int Tile(in GlaInputs x, long rows, long width) => (int)(rows * ((width * x.V.dtype.ElementSize()) + 16));

    internal static int Sums(in GlaInputs x) => Chunk * ((int)x.Q.size(3) + 4) * 4;

    [StructLayout(LayoutKind.Sequential)]
    internal struct Arguments
    {
        public nint Q, K, V, G, Ids, States, Through, Y, Dy, After, Dq, Dk, Dv, Dg;
        public long QStride, KStride, VStride, YStride, DyStride, DqStride, DkStride, DvStride;
        public int Batch, Length, Chunks, Heads, Reverse, Late, Adjoint, Pad;
    }
}

/// <summary>What the recurrence with a decay for each row reads; see <see cref="GlaKernels"/>.</summary>
/// <param name="Q">[batch, length, heads, n], bf16 or f32; n a multiple of 16, rows evenly spaced.</param>
/// <param name="K">The same.</param>
/// <param name="V">[batch, length, heads, p] of q's type; p a multiple of 16, rows evenly spaced.</param>
/// <param name="G">Log decays, at most 0: f32 [batch, length, heads, n], contiguous.</param>
internal readonly record struct GlaInputs(Tensor Q, Tensor K, Tensor V, Tensor G)
{
    /// <summary>State before the first position, f32 [batch, heads, n, p], contiguous; null: zeros.</summary>
    internal Tensor? State { get; init; }

    /// <summary>int32 [batch, length], contiguous, or null: nothing is carried across a change.</summary>
    internal Tensor? Ids { get; init; }

    /// <summary>y_t reads S_(t-1) in place of S_t.</summary>
    internal bool Late { get; init; }

    /// <summary>Read from the last position to the first.</summary>
    internal bool Reverse { get; init; }
}
