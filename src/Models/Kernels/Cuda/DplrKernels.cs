using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The chunked recurrence whose transition is diagonal plus of rank one (dplr_*.cu, matrix_pass.cu), forward and backward.</summary>
/// <remarks>
/// S_t = diag(exp g_t) S_(t-1) + b_t u_t^T + k_t v_t^T with u_t = S_(t-1)^T a_t, y_t = S_t^T q_t. Activations are bf16 or f32, everything else is f32; sums have a fixed
/// order. States at the starts of chunks of 16 positions are kept in the activation type.
/// </remarks>
internal static class DplrKernels
{
    private const int Chunk = GlaKernels.Chunk;

    /// <summary>Outputs, the state behind the last position, and what the backward pass reads.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What goes in.</param>
    /// <param name="y">[batch, length, heads, p], rows evenly spaced; overwritten.</param>
    /// <returns>f32 [batch, heads, n, p], and what to keep.</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Last, DplrKept Kept) Forward(KernelDevice device, in DplrInputs x, Tensor y)
    {
        Arguments a = Common(x);
        ScalarType type = x.V.dtype;
        (a.S.Y, a.S.YStride) = KernelRows.Of(SsdKernels.Flat(y), "y", type, SsdKernels.Flat(x.V).shape);
        (long batch, long heads, long n, long p) = (x.V.size(0), x.V.size(2), x.Q.size(3), x.V.size(3));
        var kept = new DplrKept(empty(x.V.shape, type, y.device), empty(x.K.shape, type, y.device), empty([batch, a.S.Chunks, heads, n, p], type, y.device),
            empty([batch, a.S.Chunks, heads, n], float32, y.device));
        Tensor last;
        using (NewDisposeScope())
        {
            Tensor left = empty(x.K.shape, type, y.device), added = empty(x.K.shape, type, y.device);
            (a.W, a.Kept, a.Added, a.U) = (kept.W.data_ptr(), left.data_ptr(), added.data_ptr(), kept.U.data_ptr());
            (a.S.States, a.S.Through) = (kept.States.data_ptr(), kept.Through.data_ptr());
            Launch(device, x, "gs_dplr_chunks", ChunksBytes(x), a);
            last = MatrixPassKernels.Run(device, new MatrixPassInputs(Chunk, kept.W, added, kept.U, kept.Through)
            {
                Third = left,
                More = x.V,
                Before = x.State,
                Reverse = x.Reverse,
                Keep = true,
            }, kept.States).MoveToOuterDisposeScope();
        }

        Launch(device, x, "gs_dplr_out", OutBytes(x), a);
        return (last, kept);
    }

    /// <summary>Gradients of everything that went in: of a and b in the activation type, of g, and of the state before the first position.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What went in.</param>
    /// <param name="kept">Of the forward pass.</param>
    /// <param name="dy">Gradient of y [batch, length, heads, p], rows evenly spaced.</param>
    /// <param name="dlast">Gradient of the last state, f32 [batch, heads, n, p], or null.</param>
    /// <param name="to">Where the gradients of q, k and v go.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor A, Tensor B, Tensor G, Tensor State) Backward(KernelDevice device, in DplrInputs x, in DplrKept kept, Tensor dy, Tensor? dlast,
        in SsdTargets to)
    {
        ScalarType type = x.V.dtype;
        long[] keys = SsdKernels.Flat(x.Q).shape, values = SsdKernels.Flat(x.V).shape;
        Tensor da = empty(x.K.shape, type, dy.device), db = empty(x.K.shape, type, dy.device), dg = empty(x.G.shape, float32, dy.device);
        using DisposeScope scope = NewDisposeScope();
        Tensor left = empty(x.K.shape, type, dy.device), added = empty(x.K.shape, type, dy.device), read = empty(x.K.shape, type, dy.device);
        Tensor du = empty(x.V.shape, type, dy.device), after = empty(kept.States.shape, type, dy.device);
        Arguments a = Common(x);
        (a.S.Dy, a.S.DyStride) = KernelRows.Of(SsdKernels.Flat(dy), "y's gradient", type, values);
        (a.S.Dq, a.S.DqStride) = KernelRows.Of(SsdKernels.Flat(to.Q), "q's gradient", type, keys);
        (a.S.Dk, a.S.DkStride) = KernelRows.Of(SsdKernels.Flat(to.K), "k's gradient", type, keys);
        (a.S.Dv, a.S.DvStride) = KernelRows.Of(SsdKernels.Flat(to.V), "v's gradient", type, values);
        (a.W, a.Kept, a.Added, a.Read, a.U, a.Du) =
            (kept.W.data_ptr(), left.data_ptr(), added.data_ptr(), read.data_ptr(), kept.U.data_ptr(), du.data_ptr());
        (a.S.States, a.S.After, a.S.Dg, a.Da, a.Db) = (kept.States.data_ptr(), after.data_ptr(), dg.data_ptr(), da.data_ptr(), db.data_ptr());
        Launch(device, x, "gs_dplr_read", ReadBytes(x), a);
        Tensor dstate = MatrixPassKernels.Run(device, new MatrixPassInputs(Chunk, added, kept.W, du, kept.Through)
        {
            Third = read,
            More = dy,
            Before = dlast,
            Back = true,
            Reverse = x.Reverse,
            Keep = true,
        }, after).MoveToOuterDisposeScope();
        Launch(device, x, "gs_dplr_bwd", BackBytes(x), a);
        return (da, db, dg, dstate);
    }

    private static Arguments Common(in DplrInputs x)
    {
        var a = new Arguments { S = GlaKernels.Common(x.Rows) };
        long[] keys = SsdKernels.Flat(x.Q).shape;
        (a.A, a.AStride) = KernelRows.Of(SsdKernels.Flat(x.A), "what is read", x.V.dtype, keys);
        (a.B, a.BStride) = KernelRows.Of(SsdKernels.Flat(x.B), "where it is added", x.V.dtype, keys);
        return a;
    }

    private static void Launch(KernelDevice device, in DplrInputs x, string entry, int bytes, in Arguments a)
    {
        string file = entry is "gs_dplr_chunks" or "gs_dplr_out" ? "dplr_fwd.cu" : "dplr_bwd.cu";
        var program = new KernelProgram(["common.cu", "split_mma.cu", "tiles.cu", "gla_args.cu", "turned.cu", "dplr_args.cu", file],
            KernelTensors.Definitions(x.V.dtype, "v", $"GS_GLA_N={x.Q.size(3)}", $"GS_GLA_P={x.V.size(3)}"));
        device.Launch(device.Function(program, entry, 32, bytes), ((long)a.S.Chunks * a.S.Heads, 1, a.S.Batch), a);
    }

    // What the files call R_CHUNKS_SMEM, R_OUT_SMEM, R_READ_SMEM and R_BWD_SMEM.
    private static int ChunksBytes(in DplrInputs x) => (3 * Keys(x)) + Values(x) + (2 * Scores(x)) + GlaKernels.Sums(x.Rows) + Inner;

    private static int OutBytes(in DplrInputs x) => (3 * Keys(x)) + (2 * Values(x)) + State(x) + (2 * Scores(x)) + GlaKernels.Sums(x.Rows);

    private static int ReadBytes(in DplrInputs x) => (3 * Keys(x)) + Values(x) + Scores(x) + GlaKernels.Sums(x.Rows);

    private static int BackBytes(in DplrInputs x) =>
        (4 * (Keys(x) + Values(x))) + (2 * State(x)) + (3 * Scores(x)) + GlaKernels.Sums(x.Rows) + Inner + (4 * Chunk * (36 + Chunk) * 4);

    private static int Inner => Chunk * 20 * 4;

    private static int Keys(in DplrInputs x) => GlaKernels.Tile(x.Rows, Chunk, x.Q.size(3));

    private static int Values(in DplrInputs x) => GlaKernels.Tile(x.Rows, Chunk, x.V.size(3));

    private static int State(in DplrInputs x) => GlaKernels.Tile(x.Rows, x.Q.size(3), x.V.size(3));

    private static int Scores(in DplrInputs x) => GlaKernels.Tile(x.Rows, Chunk, Chunk);

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public GlaKernels.Arguments S;
        public nint A, B, W, Kept, Added, Read, U, Du, Da, Db;
        public long AStride, BStride;
    }
}

/// <summary>What the recurrence reads; see <see cref="DplrKernels"/>.</summary>
/// <param name="Q">[batch, length, heads, n], bf16 or f32; n a multiple of 16 up to 128, rows evenly spaced.</param>
/// <param name="K">The same.</param>
/// <param name="V">[batch, length, heads, p] of q's type; p a multiple of 16 up to 128, rows evenly spaced.</param>
/// <param name="A">What is read: like Q.</param>
/// <param name="B">Where it is added: like Q.</param>
/// <param name="G">Log decays, at most 0: f32 [batch, length, heads, n], contiguous.</param>
internal readonly record struct DplrInputs(Tensor Q, Tensor K, Tensor V, Tensor A, Tensor B, Tensor G)
{
    /// <summary>State before the first position, f32 [batch, heads, n, p], contiguous; null: zeros.</summary>
    internal Tensor? State { get; init; }

    /// <summary>int32 [batch, length], contiguous, or null: nothing is carried across a change.</summary>
    internal Tensor? Ids { get; init; }

    /// <summary>Read from the last position to the first.</summary>
    internal bool Reverse { get; init; }

    /// <summary>What it has in common with a transition that is diagonal.</summary>
    internal GlaInputs Rows => new(Q, K, V, G) { Ids = Ids, Reverse = Reverse };
}

/// <summary>What the backward pass reads besides the inputs.</summary>
/// <param name="U">[batch, length, heads, p], activation type.</param>
/// <param name="W">W of dplr_args.cu: [batch, length, heads, n], activation type.</param>
/// <param name="States">Entering the chunks: [batch, chunks, heads, n, p], activation type.</param>
/// <param name="Through">What chunks leave of their rows: f32 [batch, chunks, heads, n].</param>
internal readonly record struct DplrKept(Tensor U, Tensor W, Tensor States, Tensor Through);
