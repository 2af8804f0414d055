using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// Embedding of small vocabularies (embedding.cu). With a complement map the second half of the result's batch is the other
/// strand in its own reading direction: ids mirrored in length and mapped. Ids outside the vocabulary give NaN and no gradient.
/// </summary>
internal static class EmbeddingKernels
{
    /// <summary>Largest vocabulary.</summary>
    internal const int MaxVocab = 512;

    private const int SmallVocab = 16;
    private const int ForwardRows = 32;
    private const int TableRows = 4096;

    /// <summary>True when the kernels take these sizes.</summary>
    internal static bool Supports(long vocab, long width) => vocab is >= 1 and <= MaxVocab && width >= 8 && width % 8 == 0;

    /// <summary>Looks ids up.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="ids">int32 [batch, length].</param>
    /// <param name="weight">f32 [vocab, width].</param>
    /// <param name="complement">int32 [vocab]: the complement of each id, for both strands; null for one.</param>
    /// <param name="activation">Type of the result.</param>
    /// <returns>[batch, length, width], or [2 batch, length, width] with both strands.</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Tensor Forward(KernelDevice device, Tensor ids, Tensor weight, Tensor? complement, ScalarType activation)
    {
        (long vocab, long width) = (weight.size(0), weight.size(1));
        Arguments a = Common(ids, vocab, width, complement);
        a.Weight = KernelTensors.Dense(weight, "the embedding's weight", float32, vocab, width);
        Tensor result = empty([complement is null ? a.Batch : 2L * a.Batch, a.Length, width], activation, ids.device);
        a.Out = result.data_ptr();
        KernelFunction function = device.Function(Program(activation, width), "gs_embed_fwd", 256);
        device.Launch(function, (KernelTensors.Ceiling(a.Rows, ForwardRows), 1, 1), a);
        return result;
    }

    /// <summary>The gradient of the weight.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="ids">int32 [batch, length].</param>
    /// <param name="vocab">Rows of the weight.</param>
    /// <param name="complement">As in the forward pass.</param>
    /// <param name="dx">Gradient of the result, of its shape and type.</param>
    /// <returns>f32 [vocab, width]; the same bits for the same inputs.</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Tensor Backward(KernelDevice device, Tensor ids, long vocab, Tensor? complement, Tensor dx)
    {
        long width = dx.size(-1);
        Arguments a = Common(ids, vocab, width, complement);
        a.Dx = KernelTensors.Dense(dx, "the embedding's gradient", dx.dtype, complement is null ? a.Batch : 2L * a.Batch, a.Length, width);
        if (a.Rows == 0) return zeros([vocab, width], float32, dx.device);
        bool small = vocab <= SmallVocab;
        KernelFunction function = device.Function(Program(dx.dtype, width), small ? "gs_embed_bwd_small" : "gs_embed_bwd_table", 256);
        long groups = KernelTensors.Ceiling(width, 64);
        a.Parts = KernelTensors.Count(small
            ? Math.Clamp(2L * device.Multiprocessors * 8 / groups, 1, KernelTensors.Ceiling(a.Rows, 32))
            : KernelTensors.Ceiling(a.Rows, TableRows), "parts");
        long rows = small ? SmallVocab : vocab;
        using Tensor part = empty([a.Parts, rows, width], float32, dx.device);
        a.Part = part.data_ptr();
        device.Launch(function, small ? (KernelTensors.Ceiling(a.Parts * groups, 8), 1, 1) : (a.Parts, KernelTensors.Ceiling(width, 256), 1), a);
        Tensor sum = empty([rows, width], float32, dx.device);
        RowSumKernels.Run(device, part, sum);
        if (rows == vocab) return sum;
        using (sum) return sum.narrow(0, 0, vocab);
    }

    private static KernelProgram Program(ScalarType activation, long width) => new(
        ["common.cu", "split_mma.cu", "embedding.cu"],
        KernelTensors.Definitions(activation, "the embedding", $"GS_WIDTH={width}", $"E_ROWS={ForwardRows}"));

    private static Arguments Common(Tensor ids, long vocab, long width, Tensor? complement)
    {
        if (!Supports(vocab, width))
        {
            throw new ArgumentException($"an embedding [{vocab}, {width}]; the kernels take up to {MaxVocab} rows of a multiple of 8");
        }

        if (ids.dim() != 2) throw new ArgumentException($"ids must be [batch, length], not {ids.Describe()}");
        (long batch, long length) = (ids.size(0), ids.size(1));
        return new Arguments
        {
            Ids = KernelTensors.Dense(ids, "ids", int32, batch, length),
            Complement = KernelTensors.Dense(complement, "the complement map", int32, vocab),
            Rows = KernelTensors.Count((complement is null ? 1 : 2) * batch * length, "rows"),
            Batch = KernelTensors.Count(batch, "batch entries"),
            Length = KernelTensors.Count(length, "positions"),
            Vocab = (int)vocab,
        };
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Ids, Complement, Weight, Out, Dx, Part;
        public long Rows;
        public int Batch, Length, Vocab, Parts;
    }
}
