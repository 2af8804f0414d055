using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Rotary positions on queries and keys (rope.cu), halves rotated as LLaMA lays them out.</summary>
internal static class RopeKernels
{
    /// <summary>Rotates each head's vectors by their positions' angles; the backward pass is the inverse on the gradients.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="input">
    /// [batch, length, heads, d_head], bf16 or f32; the elements of a head must be neighbours, other strides are free, so that it
    /// may be a view of a packed projection.
    /// </param>
    /// <param name="output">Of the input's shape and type, strides as free; may be the input.</param>
    /// <param name="input2">[batch, length, other heads, d_head]: a second tensor in the same launch, or null.</param>
    /// <param name="output2">Likewise for it.</param>
    /// <param name="cosine">f32 [at least length, d_head / 2]: cosines of the angles of position and pair.</param>
    /// <param name="sine">f32, likewise.</param>
    /// <param name="inverse">Rotate by the negative angles.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static void Run(KernelDevice device, Tensor input, Tensor output, Tensor? input2, Tensor? output2, Tensor cosine, Tensor sine,
        bool inverse)
    {
        if (input.dim() != 4 || input.size(3) % 2 != 0)
        {
            throw new ArgumentException($"rotary positions take [batch, length, heads, d_head] with an even d_head, not {input.Describe()}");
        }

        if (input2 is null != output2 is null) throw new ArgumentException("a second tensor needs both an input and an output");
        (long batch, long length, long half) = (input.size(0), input.size(1), input.size(3) / 2);
        long positions = cosine.size(0);
        if (positions < length) throw new ArgumentException($"angles of {positions} positions for {length}");
        var a = new Arguments
        {
            First = Place(input, output, input, half),
            Second = input2 is null ? default : Place(input2, output2!, input, half),
            Cosine = KernelTensors.Dense(cosine, "the cosines", float32, positions, half),
            Sine = KernelTensors.Dense(sine, "the sines", float32, positions, half),
            Length = KernelTensors.Count(length, "positions"),
            FirstHeads = (int)input.size(2),
            SecondHeads = (int)(input2?.size(2) ?? 0),
            Inverse = inverse ? 1 : 0,
        };
        int size = input.dtype.ElementSize();
        int each = half % 8 == 0 && a.First.Aligned(size) && a.Second.Aligned(size) ? 8 : 1;
        long items = Math.Max((a.FirstHeads + a.SecondHeads) * half / each, 1);
        a.Rows = (int)Math.Max(1, 512 / items);
        var program = new KernelProgram(["common.cu", "rope.cu"],
            KernelTensors.Definitions(input.dtype, "the input", $"T_HALF={half}", $"T_EACH={each}"));
        device.Launch(device.Function(program, "gs_rope", 256), (KernelTensors.Ceiling(length, a.Rows), batch, 1), a);
    }

    private static Pointers Place(Tensor from, Tensor to, Tensor first, long half)
    {
        bool fits = from.dim() == 4 && from.dtype == first.dtype && from.size(0) == first.size(0)
            && from.size(1) == first.size(1) && from.size(3) == 2 * half && from.stride(3) == 1;
        if (!fits) throw new ArgumentException($"{from.Describe()} cannot be rotated along with {first.Describe()}");
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
        public Pointers First, Second;
        public nint Cosine, Sine;
        public int Length, FirstHeads, SecondHeads, Rows, Inverse, Pad;
    }
}
