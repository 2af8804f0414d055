using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The chunked delta rule with momentum and forgetting (momentum_*.cu, matrix_pass.cu), forward and backward.</summary>
/// <remarks>
/// S_t = eta_t S_(t-1) + theta_t k_t (v_t - M_(t-1)^T k_t)^T, M_t = keep_t M_(t-1) + S_t, y_t = M_t^T q_t. Activations are bf16 or f32, everything else is f32; sums have
/// a fixed order. States [M; S] at the chunks' boundaries are kept in the activation type.
/// </remarks>
internal static class MomentumKernels
{
    /// <summary>Widest keys and values.</summary>
    internal const int MaxWidth = 64;

    // Floats of D's rows besides the chunk's positions.
    private const int Pad = 4;

    /// <summary>Outputs, the state behind the last position, and what the backward pass reads.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What goes in.</param>
    /// <param name="y">[batch, length, heads, p], rows evenly spaced; overwritten.</param>
    /// <returns>f32 [batch, heads, 2 n, p], and what to keep.</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Last, DeltaKept Kept) Forward(KernelDevice device, in MomentumInputs x, Tensor y)
    {
        Arguments a = Common(x);
        SsdKernels.Shape shape = x.Rows.Shape;
        (ScalarType type, Device at) = (shape.Type, y.device);
        long[] twice = [shape.Batch, shape.Length, shape.Heads, 2 * shape.N];
        (a.S.Y, a.S.YStride) = KernelRows.Of(SsdKernels.Flat(y), "y", type, SsdKernels.Flat(x.V).shape);
        var kept = new DeltaKept(empty(x.V.shape, type, at), empty(twice, type, at), empty([shape.Batch, shape.Chunks, shape.Heads, 2 * shape.N, shape.P], type, at),
            empty([shape.Batch, shape.Chunks, shape.Heads, 4], float32, at));
        Tensor last;
        using (NewDisposeScope())
        {
            Tensor left = empty(twice, type, at);
            (a.W, a.Kept, a.Written) = (kept.W.data_ptr(), left.data_ptr(), kept.Written.data_ptr());
            (a.S.States, a.S.Through) = (kept.States.data_ptr(), kept.Through.data_ptr());
            Launch(device, shape, "gs_momentum_chunks", ChunksBytes(shape), a);
            last = MatrixPassKernels.Run(device, new MatrixPassInputs(shape.Q, kept.W, left, kept.Written, kept.Through)
            {
                Coupled = true,
                Before = x.State,
                Reverse = x.Reverse,
                Keep = true,
            }, kept.States).MoveToOuterDisposeScope();
        }

        Launch(device, shape, "gs_momentum_out", OutBytes(shape), a);
        return (last, kept);
    }

    /// <summary>Gradients of everything that went in: of the log of keep and of eta, of theta, and of the state before the first position.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What went in.</param>
    /// <param name="kept">Of the forward pass.</param>
    /// <param name="dy">Gradient of y [batch, length, heads, p], rows evenly spaced.</param>
    /// <param name="dlast">Gradient of the last state, f32 [batch, heads, 2 n, p], or null.</param>
    /// <param name="to">Where the activations' gradients go.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Keep, Tensor Momentum, Tensor Rate, Tensor State) Backward(KernelDevice device, in MomentumInputs x, in DeltaKept kept, Tensor dy,
        Tensor? dlast, in SsdTargets to)
    {
        SsdKernels.Shape shape = x.Rows.Shape;
        (ScalarType type, Device at) = (shape.Type, dy.device);
        long[] keys = SsdKernels.Flat(x.K).shape, values = SsdKernels.Flat(x.V).shape, gates = x.LogKeep.shape;
        Tensor dkeep = empty(gates, float32, at), dmomentum = empty(gates, float32, at), drate = empty(gates, float32, at);
        using DisposeScope scope = NewDisposeScope();
        Tensor left = empty(kept.W.shape, type, at), read = empty(kept.W.shape, type, at), dwritten = empty(x.V.shape, type, at);
        Tensor after = empty(kept.States.shape, type, at);
        Arguments a = Common(x);
        (a.S.Dy, a.S.DyStride) = KernelRows.Of(SsdKernels.Flat(dy), "y's gradient", type, values);
        (a.S.Dq, a.S.DqStride) = KernelRows.Of(SsdKernels.Flat(to.Q), "q's gradient", type, keys);
        (a.S.Dk, a.S.DkStride) = KernelRows.Of(SsdKernels.Flat(to.K), "k's gradient", type, keys);
        (a.S.Dv, a.S.DvStride) = KernelRows.Of(SsdKernels.Flat(to.V), "v's gradient", type, values);
        (a.S.States, a.S.After, a.S.Dg) = (kept.States.data_ptr(), after.data_ptr(), dkeep.data_ptr());
        (a.Kept, a.Read, a.Written, a.DWritten) = (left.data_ptr(), read.data_ptr(), kept.Written.data_ptr(), dwritten.data_ptr());
        (a.DTheta, a.DMomentum) = (drate.data_ptr(), dmomentum.data_ptr());
        Launch(device, shape, "gs_momentum_read", ReadBytes(shape), a);
        Tensor dstate = MatrixPassKernels.Run(device, new MatrixPassInputs(shape.Q, left, kept.W, dwritten, kept.Through)
        {
            Coupled = true,
            Third = read,
            More = dy,
            Before = dlast,
            Back = true,
            Reverse = x.Reverse,
            Keep = true,
        }, after).MoveToOuterDisposeScope();
        Launch(device, shape, "gs_momentum_bwd", BackBytes(shape), a);
        return (dkeep, dmomentum, drate, dstate);
    }

    private static Arguments Common(in MomentumInputs x)
    {
        if (x.K.dim() != 4 || x.K.size(2) != x.V.size(2) || x.K.size(3) > MaxWidth || x.V.size(3) > MaxWidth)
        {
            throw new ArgumentException($"the kernels do not take keys {x.K.Describe()} and values {x.V.Describe()}: of as many heads, widths up to {MaxWidth}");
        }

        return new Arguments { S = x.Rows.Common(), Momentum = KernelTensors.Dense(x.LogMomentum, "the momentum", float32, x.LogKeep.shape) };
    }

    private static void Launch(KernelDevice device, SsdKernels.Shape shape, string entry, int bytes, in Arguments a)
    {
        string file = entry is "gs_momentum_chunks" or "gs_momentum_out" ? "momentum_fwd.cu" : "momentum_bwd.cu";
        KernelProgram ssd = shape.Program(file);
        string[] files = [.. ssd.Files.SkipLast(1), "turned.cu", "triangle.cu", "momentum_args.cu", file];
        device.Launch(device.Function(new KernelProgram(files, ssd.Definitions), entry, shape.Q * 2, bytes), shape.Grid, a);
    }

    // What the files call O_CHUNKS_SMEM, O_OUT_SMEM, O_READ_SMEM and O_BWD_SMEM.
    private static int ChunksBytes(SsdKernels.Shape s) => s.Keys + s.Values + Scores(s) + (s.Q / 16 * s.Q * (16 + s.Pad) * s.Size) + Rows(s) + Inner(s);

    private static int OutBytes(SsdKernels.Shape s) => (2 * (s.Keys + s.State)) + s.Values + (s.Q * (Math.Max((int)s.P, s.Q) + s.Pad) * s.Size) + Rows(s);

    private static int ReadBytes(SsdKernels.Shape s) => (2 * s.Keys) + s.Values + Scores(s) + Rows(s);

    private static int BackBytes(SsdKernels.Shape s) => (2 * s.Keys) + (4 * (s.Values + s.State)) + (2 * Scores(s)) + Rows(s) + Inner(s) + Sums(s);

    private static int Scores(SsdKernels.Shape s) => s.Q * (s.Q + s.Pad) * s.Size;

    private static int Inner(SsdKernels.Shape s) => s.Q / 16 * 16 * 20 * 4;

    // Of SsdDecays and MomentumRows.
    private static int Rows(SsdKernels.Shape s) => s.Decays + (((s.Q * (s.Q + Pad)) + (8 * s.Q) + 4) * 4);

    private static int Sums(SsdKernels.Shape s) => ((((s.Q * (s.Q + Pad)) + (7 * s.Q) + (s.Q / 16 * 3)) * 4) + 15) / 16 * 16;

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public SsdKernels.Arguments S;
        public nint Momentum, W, Kept, Read, Written, DWritten, DTheta, DMomentum;
    }
}

/// <summary>What the delta rule with momentum reads; see <see cref="MomentumKernels"/>.</summary>
/// <param name="Q">[batch, length, heads, n], bf16 or f32; n a multiple of 16 up to 64, rows evenly spaced.</param>
/// <param name="K">The same; of length 1, or the recurrence may grow.</param>
/// <param name="V">[batch, length, heads, p] of q's type; p a multiple of 16 up to 64, rows evenly spaced.</param>
/// <param name="LogKeep">At most 0: f32 [batch, length, heads], contiguous.</param>
/// <param name="LogMomentum">log eta, the same.</param>
/// <param name="Rate">theta, f32 of the same shape, contiguous.</param>
internal readonly record struct MomentumInputs(Tensor Q, Tensor K, Tensor V, Tensor LogKeep, Tensor LogMomentum, Tensor Rate)
{
    /// <summary>State before the first position, f32 [batch, heads, 2 n, p], contiguous; null: zeros.</summary>
    internal Tensor? State { get; init; }

    /// <summary>int32 [batch, length], contiguous, or null: nothing is carried across a change.</summary>
    internal Tensor? Ids { get; init; }

    /// <summary>Read from the last position to the first.</summary>
    internal bool Reverse { get; init; }

    /// <summary>What it has in common with the recurrence with one decay.</summary>
    internal SsdInputs Rows => new(Q, K, V, LogKeep) { Scale = Rate, Ids = Ids, Reverse = Reverse };
}
