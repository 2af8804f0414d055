namespace GenoSeq.Models.Baselines;

/// <summary>Sizes of the CNN baseline; the defaults are those of Genomic Benchmarks.</summary>
public sealed record CnnConfig
{
    /// <summary>Number of ids of the input.</summary>
    public int VocabSize { get; init; } = 16;

    /// <summary>Positions of the input: every row is padded or cut to it.</summary>
    public int InputLength { get; init; } = 512;

    /// <summary>Number of outputs: classes, labels or targets.</summary>
    public int Outputs { get; init; } = 2;

    /// <summary>Width of the embedding.</summary>
    public int EmbeddingDim { get; init; } = 100;

    /// <summary>Channels of the convolutions, in order.</summary>
    public IReadOnlyList<int> Channels { get; init; } = [16, 8, 4];

    /// <summary>Positions that each convolution looks at.</summary>
    public int KernelSize { get; init; } = 8;

    /// <summary>Width of the dense layer.</summary>
    public int DenseDim { get; init; } = 512;

    /// <summary>Shortest input that leaves each convolution and each pooling something to work on.</summary>
    public int ShortestInput
    {
        get
        {
            int length = 1;
            for (int i = 0; i < Channels.Count; i++)
            {
                length = (2 * length) + KernelSize - 1;
            }

            return length;
        }
    }

    /// <summary>Positions that are left after the last pooling.</summary>
    public int OutputLength
    {
        get
        {
            int length = InputLength;
            for (int i = 0; i < Channels.Count; i++)
            {
                length = (length - KernelSize + 1) / 2;
            }

            return length;
        }
    }

    /// <summary>Every problem of these sizes.</summary>
    public IEnumerable<string> Validate()
    {
        if (VocabSize < 1) yield return $"vocab_size: must be at least 1, not {VocabSize}";
        if (Outputs < 1) yield return $"outputs: must be at least 1, not {Outputs}";
        if (EmbeddingDim < 1) yield return $"embedding_dim: must be at least 1, not {EmbeddingDim}";
        if (Channels.Count == 0 || Channels.Any(c => c < 1)) yield return "channels: name at least one convolution, all with channels";
        if (KernelSize < 1) yield return $"kernel_size: must be at least 1, not {KernelSize}";
        if (DenseDim < 1) yield return $"dense_dim: must be at least 1, not {DenseDim}";
        if (InputLength < ShortestInput) yield return $"input_length: must be at least {ShortestInput}, not {InputLength}; pad shorter sequences";
    }
}
