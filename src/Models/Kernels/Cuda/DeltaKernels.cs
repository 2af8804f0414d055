using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The chunked delta rule on the tensor cores (delta_*.cu, matrix_pass.cu, ssd_*.cu), forward and backward.</summary>
/// <remarks>
/// S_t = exp(g_t) S_(t-1) + beta_t k_t (v_t - exp(g_t) S_(t-1)^T k_t)^T, y_t = S_t^T q_t. Activations are bf16 or f32, everything else is f32; sums have a fixed order.
/// What is written, N_t = beta_t (v_t - exp(g_t) S_(t-1)^T k_t), takes the values' place in the recurrence with one decay, whose kernels do the rest.
/// </remarks>
internal static class DeltaKernels
{
    /// <summary>Outputs, the state behind the last position, and what the backward pass reads.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What goes in.</param>
    /// <param name="y">[batch, length, heads, p], rows evenly spaced; overwritten.</param>
    /// <returns>f32 [batch, heads, n, p], and what to keep.</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Last, DeltaKept Kept) Forward(KernelDevice device, in DeltaInputs x, Tensor y)
    {
        Arguments a = Common(x);
        SsdKernels.Shape shape = x.Shape;
        (ScalarType type, Device at) = (shape.Type, y.device);
        var kept = new DeltaKept(empty(x.V.shape, type, at), empty(x.K.shape, type, at),
            empty([shape.Batch, shape.Chunks, shape.Heads, shape.N, shape.P], type, at), empty([shape.Batch, shape.Chunks, shape.Heads], float32, at));
        Tensor last;
        using (NewDisposeScope())
        {
            Tensor left = empty(x.K.shape, type, at);
            (a.W, a.Kept, a.Written, a.S.Through) = (kept.W.data_ptr(), left.data_ptr(), kept.Written.data_ptr(), kept.Through.data_ptr());
            device.Launch(Function(device, shape, "gs_delta_chunks", "delta_fwd.cu", ChunksBytes(shape)), shape.Grid, a);
            last = MatrixPassKernels.Run(device,
                new MatrixPassInputs(shape.Q, kept.W, left, kept.Written, kept.Through) { Before = x.State, Reverse = x.Reverse, Keep = true }, kept.States)
                .MoveToOuterDisposeScope();
        }

        SsdInputs read = x.Read(kept.Written);
        SsdKernels.Arguments o = read.Common();
        (o.Y, o.YStride) = KernelRows.Of(SsdKernels.Flat(y), "y", type, SsdKernels.Flat(x.V).shape);
        o.States = kept.States.data_ptr();
        device.Launch(shape.Function(device, "gs_ssd_out", "ssd_fwd.cu", shape.OutBytes), shape.Grid, o);
        return (last, kept);
    }

    /// <summary>Gradients of everything that went in: of g, beta, and of the state before the first position.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What went in.</param>
    /// <param name="kept">Of the forward pass.</param>
    /// <param name="dy">Gradient of y [batch, length, heads, p], rows evenly spaced.</param>
    /// <param name="dlast">Gradient of the last state, f32 [batch, heads, n, p], or null.</param>
    /// <param name="to">Where the activations' gradients go.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor G, Tensor Beta, Tensor State) Backward(KernelDevice device, in DeltaInputs x, in DeltaKept kept, Tensor dy, Tensor? dlast, in SsdTargets to)
    {
        SsdKernels.Shape shape = x.Shape;
        (ScalarType type, Device at) = (shape.Type, dy.device);
        long[] keys = SsdKernels.Flat(x.K).shape, values = SsdKernels.Flat(x.V).shape;
        Tensor dg = empty(x.G.shape, float32, at), dbeta = empty(x.Beta.shape, float32, at);
        using DisposeScope scope = NewDisposeScope();
        Tensor left = empty(x.K.shape, type, at), read = empty(x.K.shape, type, at), dwritten = empty(x.V.shape, type, at);
        Tensor after = empty(kept.States.shape, type, at);

        // The gradients of the states, which need the part of what was written that is read within the chunk.
        Arguments a = Common(x);
        (a.S.Q, a.S.QStride) = KernelRows.Of(SsdKernels.Flat(x.Q), "q", type, keys);
        (a.S.Dy, a.S.DyStride) = KernelRows.Of(SsdKernels.Flat(dy), "y's gradient", type, values);
        (a.Kept, a.Read, a.DWritten) = (left.data_ptr(), read.data_ptr(), dwritten.data_ptr());
        device.Launch(Function(device, shape, "gs_delta_read", "delta_bwd.cu", ReadBytes(shape)), shape.Grid, a);
        Tensor dstate = MatrixPassKernels.Run(device, new MatrixPassInputs(shape.Q, left, kept.W, dwritten, kept.Through)
        {
            Third = read,
            More = dy,
            Before = dlast,
            Back = true,
            Reverse = x.Reverse,
        }, after).MoveToOuterDisposeScope();

        // What was written as the values of the recurrence with one decay.
        SsdKernels.Arguments o = x.Read(kept.Written).Common();
        (o.Dy, o.DyStride) = (a.S.Dy, a.S.DyStride);
        (o.States, o.After, o.Dg) = (kept.States.data_ptr(), after.data_ptr(), dg.data_ptr());
        (o.Dq, o.DqStride) = KernelRows.Of(SsdKernels.Flat(to.Q), "q's gradient", type, keys);
        (o.Dk, o.DkStride) = KernelRows.Of(SsdKernels.Flat(to.K), "k's gradient", type, keys);
        (o.Dv, o.DvStride) = KernelRows.Of(SsdKernels.Flat(dwritten), "the gradient of what is written", type, values);
        device.Launch(shape.Function(device, "gs_ssd_bwd", "ssd_bwd.cu", shape.BackBytes), shape.Grid, o);

        (a.S.Dk, a.S.DkStride, a.S.Dg, a.S.States) = (o.Dk, o.DkStride, o.Dg, o.States);
        (a.S.Dv, a.S.DvStride) = KernelRows.Of(SsdKernels.Flat(to.V), "v's gradient", type, values);
        (a.Written, a.DBeta) = (kept.Written.data_ptr(), dbeta.data_ptr());
        device.Launch(Function(device, shape, "gs_delta_bwd", "delta_bwd.cu", BackBytes(shape)), shape.Grid, a);
        return (dg, dbeta, dstate);
    }

    private static Arguments Common(in DeltaInputs x)
    {
        if (x.K.dim() != 4 || x.K.size(2) != x.V.size(2))
        {
            throw new ArgumentException($"keys {x.K.Describe()} are not of as many heads as values {x.V.Describe()}");
        }

        SsdInputs own = x.Read(x.V) with { Scale = x.Beta };
        return new Arguments { S = own.Common() };
    }

    private static KernelFunction Function(KernelDevice device, SsdKernels.Shape shape, string entry, string file, int bytes)
    {
        KernelProgram ssd = shape.Program(file);
        string[] files = [.. ssd.Files.SkipLast(1), "turned.cu", "triangle.cu", "delta_args.cu", file];
        return device.Function(new KernelProgram(files, ssd.Definitions), entry, shape.Q * 2, bytes);
    }

    // What the files call D_CHUNKS_SMEM, D_READ_SMEM and D_BWD_SMEM.
    private static int ChunksBytes(SsdKernels.Shape s) => s.Keys + s.Values + Scores(s) + s.Decays + Inner(s);

    private static int ReadBytes(SsdKernels.Shape s) => (2 * s.Keys) + s.Values + Scores(s) + s.Decays;

    private static int BackBytes(SsdKernels.Shape s) =>
        s.Keys + (3 * s.Values) + (2 * Scores(s)) + s.State + s.Decays + ((3 + (s.Q / 16)) * s.Q * 4) + Inner(s);

    private static int Scores(SsdKernels.Shape s) => s.Q * (s.Q + s.Pad) * s.Size;

    private static int Inner(SsdKernels.Shape s) => s.Q / 16 * 16 * 20 * 4;

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public SsdKernels.Arguments S;
        public nint W, Kept, Read, Written, DWritten, DBeta;
    }
}

/// <summary>What the delta rule reads; see <see cref="DeltaKernels"/>.</summary>
/// <param name="Q">[batch, length, heads, n], bf16 or f32; n a multiple of 16 up to 128, rows evenly spaced.</param>
/// <param name="K">The same; of length 1, or the recurrence may grow.</param>
/// <param name="V">[batch, length, heads, p] of q's type; p a multiple of 16 up to 128, rows evenly spaced.</param>
/// <param name="G">Log decays, at most 0: f32 [batch, length, heads], contiguous.</param>
/// <param name="Beta">Step sizes, the same.</param>
internal readonly record struct DeltaInputs(Tensor Q, Tensor K, Tensor V, Tensor G, Tensor Beta)
{
    /// <summary>State before the first position, f32 [batch, heads, n, p], contiguous; null: zeros.</summary>
    internal Tensor? State { get; init; }

    /// <summary>int32 [batch, length], contiguous, or null: nothing is carried across a change.</summary>
    internal Tensor? Ids { get; init; }

    /// <summary>Read from the last position to the first.</summary>
    internal bool Reverse { get; init; }

    internal SsdKernels.Shape Shape => Read(V).Shape;

    /// <summary>The recurrence with one decay that reads other values.</summary>
    internal SsdInputs Read(Tensor values) => new(Q, K, values, G) { Ids = Ids, Reverse = Reverse };
}

/// <summary>What the backward pass of the delta rule, with or without momentum, reads besides the inputs.</summary>
/// <param name="Written">N: [batch, length, heads, p], activation type.</param>
/// <param name="W">-W of delta_args.cu or momentum_args.cu: [batch, length, heads, rows of a state], activation type.</param>
/// <param name="States">Entering the chunks: [batch, chunks, heads, rows, p], activation type.</param>
/// <param name="Through">What chunks leave of them: f32 [batch, chunks, heads], or [batch, chunks, heads, 4].</param>
internal readonly record struct DeltaKept(Tensor Written, Tensor W, Tensor States, Tensor Through);
