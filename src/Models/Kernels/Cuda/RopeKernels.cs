using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Rotary positions on queries and keys (rope.cu), halves rotated as LLaMA lays them out.</summary>
internal static class RopeKernels
{
    /// <summary>Rotates each head's vectors by their positions' angles; the backward pass is the inverse on the gradients.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="q">
    /// [batch, length, heads, d_head], bf16 or f32; the elements of a head must be neighbours, other strides are free, so that it
    /// may be a view of a packed projection.
    /// </param>
    /// <param name="k">[batch, length, other heads, d_head], or null.</param>
    /// <param name="cosine">f32 [at least length, d_head / 2]: cosines of the angles of position and pair.</param>
    /// <param name="sine">f32, likewise.</param>
    /// <param name="inverse">Rotate by the negative angles.</param>
    /// <param name="qOut">Where to write, of q's shape and type, strides free; may be q. Null: a new contiguous tensor.</param>
    /// <param name="kOut">Likewise for k.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Q, Tensor? K) Rotate(KernelDevice device, Tensor q, Tensor? k, Tensor cosine, Tensor sine, bool inverse,
        Tensor? qOut = null, Tensor? kOut = null)
    {
        if (q.dim() != 4 || q.size(3) % 2 != 0)
        {
            throw new ArgumentException($"rotary positions take [batch, length, heads, d_head] with an even d_head, not {q.Describe()}");
        }

        (long batch, long length, long half) = (q.size(0), q.size(1), q.size(3) / 2);
        long positions = cosine.size(0);
        if (positions < length) throw new ArgumentException($"angles of {positions} positions for {length}");
        qOut ??= empty(q.shape, q.dtype, q.device);
        if (k is not null) kOut ??= empty(k.shape, k.dtype, k.device);
        var a = new Arguments
        {
            Queries = Place(q, qOut, q, half),
            Keys = k is null ? default : Place(k, kOut!, q, half),
            Cosine = KernelTensors.Dense(cosine, "the cosines", float32, positions, half),
            Sine = KernelTensors.Dense(sine, "the sines", float32, positions, half),
            Length = KernelTensors.Count(length, "positions"),
            QueryHeads = (int)q.size(2),
            KeyHeads = (int)(k?.size(2) ?? 0),
            Inverse = inverse ? 1 : 0,
        };
        int size = q.dtype.ElementSize();
        int each = half % 8 == 0 && a.Queries.Aligned(size) && a.Keys.Aligned(size) ? 8 : 1;
        long items = Math.Max((a.QueryHeads + a.KeyHeads) * half / each, 1);
        a.Rows = (int)Math.Max(1, 1024 / items);
        var program = new KernelProgram(["common.cu", "rope.cu"],
            KernelTensors.Definitions(q.dtype, "the queries", $"T_HALF={half}", $"T_EACH={each}"));
        device.Launch(device.Function(program, "gs_rope", 256), (KernelTensors.Ceiling(length, a.Rows), batch, 1), a);
        return (qOut, kOut);
    }

    private static Pointers Place(Tensor from, Tensor to, Tensor q, long half)
    {
        bool fits = from.dim() == 4 && from.dtype == q.dtype && from.size(0) == q.size(0) && from.size(1) == q.size(1)
            && from.size(3) == 2 * half && from.stride(3) == 1;
        if (!fits) throw new ArgumentException($"{from.Describe()} cannot be rotated along with {q.Describe()}");
        if (to.dtype != from.dtype || !to.shape.AsSpan().SequenceEqual(from.shape) || to.stride(3) != 1)
        {
            throw new ArgumentException($"{to.Describe()} cannot take the rotation of {from.Describe()}");
        }

        return new Pointers
        {
            In = from.data_ptr(),
            Out = to.data_ptr(),
            InBatch = from.stride(0),
            InRow = from.stride(1),
            InHead = from.stride(2),
            OutBatch = to.stride(0),
            OutRow = to.stride(1),
            OutHead = to.stride(2),
        };
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Pointers
    {
        public nint In, Out;
        public long InBatch, InRow, InHead, OutBatch, OutRow, OutHead;

        // Whether all pieces of 8 elements begin at multiples of 16 bytes.
        internal readonly bool Aligned(int size) =>
            ((In | Out | ((InBatch | InRow | InHead | OutBatch | OutRow | OutHead) * size)) & 15) == 0;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public Pointers Queries, Keys;
        public nint Cosine, Sine;
        public int Length, QueryHeads, KeyHeads, Rows, Inverse, Pad;
    }
}
