using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>What the chunked recurrence reads; see <see cref="SsdKernels"/>.</summary>
/// <param name="Q">[batch, length, groups, n], bf16 or f32; n a multiple of 16, rows evenly spaced. Heads of a group share it.</param>
/// <param name="K">The same.</param>
/// <param name="V">[batch, length, heads, p] of q's type; p a multiple of 16, rows evenly spaced.</param>
/// <param name="G">Log decays, at most 0: f32 [batch, length, heads], contiguous.</param>
internal readonly record struct SsdInputs(Tensor Q, Tensor K, Tensor V, Tensor G)
{
    /// <summary>Factors of v, f32 like g, or null.</summary>
    internal Tensor? Scale { get; init; }

    /// <summary>Share of v in y, f32 [heads], or null.</summary>
    internal Tensor? Skip { get; init; }

    /// <summary>State before the first position, f32 [batch, heads, n, p], contiguous; null: zeros.</summary>
    internal Tensor? State { get; init; }

    /// <summary>int32 [batch, length], contiguous, or null: nothing is carried across a change.</summary>
    internal Tensor? Ids { get; init; }

    /// <summary>Read from the last position to the first.</summary>
    internal bool Reverse { get; init; }

    internal SsdKernels.Shape Shape => new(V.dtype, V.size(0), V.size(1), V.size(2), Q.size(2), Q.size(3), V.size(3));

    /// <summary>Checks everything, and says where it lies.</summary>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal SsdKernels.Arguments Common()
    {
        if (V.dim() != 4 || Q.dim() != 4 || !SsdKernels.Takes(V.dtype, Q.size(3), V.size(3)) || Q.size(3) % 16 != 0 || V.size(3) % 16 != 0
            || Q.size(2) < 1 || V.size(2) % Q.size(2) != 0 || V.size(1) < 1)
        {
            throw new ArgumentException($"the kernels do not take queries {Q.Describe()} and values {V.Describe()}: both [batch, length, heads, width], "
                + $"widths multiples of 16 up to {SsdKernels.MaxWidth}, the values' heads a multiple of the queries', at least one position");
        }

        SsdKernels.Shape s = Shape;
        long[] keys = [s.Batch, s.Length, s.Groups * s.N];
        var a = new SsdKernels.Arguments
        {
            G = KernelTensors.Dense(G, "the decays", float32, s.Batch, s.Length, s.Heads),
            Scale = KernelTensors.Dense(Scale, "the factors", float32, s.Batch, s.Length, s.Heads),
            Skip = KernelTensors.Dense(Skip, "the skip", float32, s.Heads),
            Ids = KernelTensors.Dense(Ids, "the sequence ids", int32, s.Batch, s.Length),
            Batch = KernelTensors.Count(s.Batch, "batch entries"),
            Length = KernelTensors.Count(s.Length, "positions"),
            Chunks = (int)s.Chunks,
            Heads = KernelTensors.Count(s.Heads, "heads"),
            Groups = (int)s.Groups,
            Reverse = Reverse ? 1 : 0,
        };
        (a.Q, a.QStride) = KernelRows.Of(SsdKernels.Flat(Q), "q", s.Type, keys);
        (a.K, a.KStride) = KernelRows.Of(SsdKernels.Flat(K), "k", s.Type, keys);
        (a.V, a.VStride) = KernelRows.Of(SsdKernels.Flat(V), "v", s.Type, [s.Batch, s.Length, s.Heads * s.P]);
        return a;
    }
}

/// <summary>States at the chunks' starts, and what the chunks leave of them.</summary>
/// <param name="Entering">[batch, chunks, heads, n, p], activation type.</param>
/// <param name="Through">f32 [batch, chunks, heads].</param>
internal readonly record struct SsdStates(Tensor Entering, Tensor Through);

/// <summary>Where gradients of the activations go; shapes and types of q, k, v, rows evenly spaced, overwritten.</summary>
internal readonly record struct SsdTargets(Tensor Q, Tensor K, Tensor V);

/// <summary>The other gradients, f32 and of their inputs' shapes.</summary>
/// <param name="G">Of the decays.</param>
/// <param name="Scale">Of the factors, or null.</param>
/// <param name="Skip">Of the skip, or null.</param>
/// <param name="State">Of the state before the first position.</param>
internal readonly record struct SsdGradients(Tensor G, Tensor? Scale, Tensor? Skip, Tensor State);
