using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The checked inputs of the head's loss, and their sizes.</summary>
internal sealed record HeadShape(Tensor Hidden, Tensor? Complement, Tensor Weight, Tensor Targets, Tensor? Weights, Tensor? Factor,
    int Batch, int Length)
{
    /// <summary>Positions.</summary>
    internal int Rows => Batch * Length;

    /// <summary>Rows of the weight.</summary>
    internal int Vocab { get; } = (int)Weight.size(0);

    /// <summary>Width of a strand, d.</summary>
    internal int Width { get; } = (int)Weight.size(1);

    /// <summary>1, or 2 for equivariant models.</summary>
    internal int Strands => Complement is null ? 1 : 2;

    /// <summary>Hidden numbers of a position, over its strands.</summary>
    internal int Columns => Width * Strands;

    /// <summary>Checks the inputs.</summary>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static HeadShape Of(Tensor hidden, Tensor? complement, long batch, long length, Tensor weight, Tensor targets, Tensor? weights,
        Tensor? factor)
    {
        if (weight.dim() != 2 || !HeadLossKernels.Supports(weight.size(0), weight.size(1)))
        {
            throw new ArgumentException($"a head {weight.Describe()}; the kernels take up to {HeadLossKernels.MaxVocab} rows of a multiple of 8");
        }

        (long vocab, long width) = (weight.size(0), weight.size(1));
        long strands = complement is null ? 1 : 2;
        KernelTensors.Count(strands * batch * length, "rows");
        _ = KernelTensors.Dense(weight, "the head's weight", float32, vocab, width);
        _ = KernelTensors.Dense(complement, "the complement map", int32, vocab);
        _ = KernelTensors.Dense(factor, "the factor", float32, 1);
        Flat(hidden, "the hidden state", hidden.dtype, strands * batch * length * width);
        Flat(targets, "targets", int32, batch * length);
        if (weights is not null) Flat(weights, "weights", float32, batch * length);
        return hidden.size(-1) == width
            ? new HeadShape(hidden, complement, weight, targets, weights, factor, (int)batch, (int)length)
            : throw new ArgumentException($"the hidden state {hidden.Describe()} does not fit the head {weight.Describe()}");
    }

    private static void Flat(Tensor t, string name, ScalarType type, long elements)
    {
        if (t.dtype != type || !t.is_contiguous() || t.numel() != elements)
        {
            throw new ArgumentException($"{name} must be contiguous, of {elements} elements of {type}, not {t.Describe()}");
        }
    }
}
