using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The chunked recurrence with one decay a head on the tensor cores (ssd_*.cu), forward and backward.</summary>
/// <remarks>
/// S_t = exp(g_t) S_(t-1) + k_t (scale_t v_t)^T, y_t = S_t^T q_t + skip v_t. Activations are bf16 or f32, everything else is f32; sums have a fixed order. States at the
/// chunks' boundaries are kept in the activation type: with 64 states, values of width 64 and bf16 as many bytes as the values take.
/// </remarks>
internal static class SsdKernels
{
    /// <summary>Widest keys and values.</summary>
    internal const int MaxWidth = 128;

    /// <summary>Positions of a chunk (GS_SSD_Q).</summary>
    internal static int Chunk(ScalarType type) => type == ScalarType.Float32 ? 32 : 64;

    /// <summary>Whether the kernels take this; widths are filled up to multiples of 16 by the caller.</summary>
    /// <param name="type">Of the activations.</param>
    /// <param name="n">Width of keys.</param>
    /// <param name="p">Width of values.</param>
    internal static bool Takes(ScalarType type, long n, long p) =>
        type is ScalarType.BFloat16 or ScalarType.Float32 && n is > 0 and <= MaxWidth && p is > 0 and <= MaxWidth;

    /// <summary>Outputs, the state behind the last position, and what the backward pass reads.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What goes in.</param>
    /// <param name="y">[batch, length, heads, p], rows evenly spaced; overwritten.</param>
    /// <returns>f32 [batch, heads, n, p].</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Last, SsdStates States) Forward(KernelDevice device, in SsdInputs x, Tensor y)
    {
        Arguments a = x.Common();
        (a.Y, a.YStride) = KernelRows.Of(Flat(y), "y", x.V.dtype, Flat(x.V).shape);
        Tensor last = empty([x.V.size(0), x.V.size(2), x.Q.size(3), x.V.size(3)], float32, y.device);
        SsdStates states = Enter(device, x, a, last);
        a.States = states.Entering.data_ptr();
        Shape shape = x.Shape;
        device.Launch(shape.Function(device, "gs_ssd_out", "ssd_fwd.cu", shape.OutBytes), shape.Grid, a);
        return (last, states);
    }

    /// <summary>Gradients of everything that went in.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What went in.</param>
    /// <param name="states">Of the forward pass.</param>
    /// <param name="dy">Gradient of y [batch, length, heads, p], rows evenly spaced.</param>
    /// <param name="dlast">Gradient of the last state, f32 [batch, heads, n, p], or null.</param>
    /// <param name="to">Where the activations' gradients go.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static SsdGradients Backward(KernelDevice device, in SsdInputs x, SsdStates states, Tensor dy, Tensor? dlast, in SsdTargets to)
    {
        ScalarType type = x.V.dtype;
        long[] keys = Flat(x.Q).shape, values = Flat(x.V).shape;
        long batch = x.V.size(0), heads = x.V.size(2);
        Tensor dg = empty(x.G.shape, float32, dy.device);
        Tensor? dscale = x.Scale is null ? null : empty(x.G.shape, float32, dy.device);
        Tensor dstate = empty([batch, heads, x.Q.size(3), x.V.size(3)], float32, dy.device);
        Tensor? dskip = x.Skip is null ? null : empty([heads], float32, dy.device);
        using DisposeScope scope = NewDisposeScope();
        Shape shape = x.Shape;
        Arguments a = x.Common();
        (a.Dy, a.DyStride) = KernelRows.Of(Flat(dy), "y's gradient", type, values);
        (a.Dq, a.DqStride) = KernelRows.Of(Flat(to.Q), "q's gradient", type, keys);
        (a.Dk, a.DkStride) = KernelRows.Of(Flat(to.K), "k's gradient", type, keys);
        (a.Dv, a.DvStride) = KernelRows.Of(Flat(to.V), "v's gradient", type, values);
        (a.Dg, a.DScale) = (dg.data_ptr(), dscale?.data_ptr() ?? 0);

        // Gradients of the states: the same two kernels from the other end.
        Tensor after = empty(states.Entering.shape, type, dy.device);
        Arguments back = a;
        back.Adjoint = 1;
        (back.K, back.KStride, back.V, back.VStride) = (a.Q, a.QStride, a.Dy, a.DyStride);
        (back.States, back.Through) = (after.data_ptr(), states.Through.data_ptr());
        device.Launch(shape.Function(device, "gs_ssd_states", "ssd_fwd.cu", shape.StatesBytes), shape.Grid, back);
        StatePassKernels.Run(device, after, states.Through, dlast, dstate, back: true);

        (a.States, a.After) = (states.Entering.data_ptr(), after.data_ptr());
        Tensor? part = dskip is null ? null : empty([batch * shape.Chunks, heads], float32, dy.device);
        a.DSkip = part?.data_ptr() ?? 0;
        device.Launch(shape.Function(device, "gs_ssd_bwd", "ssd_bwd.cu", shape.BackBytes), shape.Grid, a);
        if (part is not null)
        {
            RowSumKernels.Run(device, part, dskip!);
        }

        return new SsdGradients(dg, dscale, dskip, dstate);
    }

    /// <summary>[batch, length, count, width] as rows [batch, length, count * width]: a view, or an error.</summary>
    internal static Tensor Flat(Tensor t) => t.view(t.size(0), t.size(1), t.size(2) * t.size(3));

    private static SsdStates Enter(KernelDevice device, in SsdInputs x, Arguments a, Tensor last)
    {
        Shape shape = x.Shape;
        Tensor entering = empty([shape.Batch, shape.Chunks, shape.Heads, shape.N, shape.P], x.V.dtype, x.V.device);
        Tensor through = empty([shape.Batch, shape.Chunks, shape.Heads], float32, x.V.device);
        (a.States, a.Through) = (entering.data_ptr(), through.data_ptr());
        device.Launch(shape.Function(device, "gs_ssd_states", "ssd_fwd.cu", shape.StatesBytes), shape.Grid, a);
        StatePassKernels.Run(device, entering, through, x.State, last, back: false);
        return new SsdStates(entering, through);
    }

    /// <summary>Sizes, and the shared memory that the kernels' files work out from them.</summary>
    internal readonly record struct Shape(ScalarType Type, long Batch, long Length, long Heads, long Groups, long N, long P)
    {
        internal long Chunks => KernelTensors.Ceiling(Length, Chunk(Type));

        internal (long, long, long) Grid => (Chunks * Groups, 1, Batch);

        internal int Q => Chunk(Type);

        internal int Size => Type.ElementSize();

        internal int Pad => 16 / Size;

        internal int Keys => Q * ((int)N + Pad) * Size;

        internal int Values => Q * ((int)P + Pad) * Size;

        internal int State => (int)N * ((int)P + Pad) * Size;

        internal int Decays => ((5 * Q) + 4) * 4;

        internal int StatesBytes => Keys + (2 * Values) + Decays;

        internal int OutBytes => (2 * Keys) + Values + State + (Q * (Math.Max((int)P, Q) + Pad) * Size) + Decays;

        internal int BackBytes => (2 * (Keys + Values + State + (Q * (Q + Pad) * Size))) + Decays + (((2 * Q) + (Q / 16 * (Q + 2))) * 4);

        internal KernelProgram Program(string file) => new(["common.cu", "split_mma.cu", "tiles.cu", "ssd_args.cu", "ssd_tiles.cu", file],
            KernelTensors.Definitions(Type, "v", $"GS_SSD_Q={Q}", $"GS_SSD_N={N}", $"GS_SSD_P={P}"));

        internal KernelFunction Function(KernelDevice device, string entry, string file, int bytes) =>
            device.Function(Program(file), entry, Q * 2, bytes);
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Arguments
    {
        public nint Q, K, V, G, Scale, Skip, Ids, States, Through, Y, Dy, After, Dq, Dk, Dv, Dg, DScale, DSkip;
        public long QStride, KStride, VStride, YStride, DyStride, DqStride, DkStride, DvStride;
        public int Batch, Length, Chunks, Heads, Groups, Reverse, Adjoint, Pad;
    }
}
