namespace GenoSeq.Inference.Scoring;

/// <summary>How likelihoods are computed. Batches change nothing but speed and memory.</summary>
public sealed record LikelihoodOptions
{
    /// <summary>Strands read. A base's value is the mean over the strands on which it has one.</summary>
    public StrandUse Strand { get; init; }

    /// <summary>
    /// Masked models: passes over a sequence; pass i masks the positions that leave i when divided by this. More passes hide fewer bases
    /// of each other's context and cost more.
    /// </summary>
    public int MaskStride { get; init; } = 8;

    /// <summary>
    /// Bases in one pass. Causal models carry their state from one piece to the next, so it changes nothing; masked models read longer
    /// sequences in windows of this length that overlap by twice <see cref="Margin"/>.
    /// </summary>
    public int Window { get; init; } = 16384;

    /// <summary>Masked models: bases at an inner end of a window that are context only, not scored there.</summary>
    public int Margin { get; init; } = 512;

    /// <summary>Tokens in one batch, at least those of one row.</summary>
    public int BatchTokens { get; init; } = 32768;

    /// <summary>Every problem of these options; empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (MaskStride is < 2 or > 1 << 20)
        {
            problems.Add($"mask_stride is {MaskStride}; expected 2 or more, so that unmasked bases are left");
        }

        if (Window < 16)
        {
            problems.Add($"window is {Window}; expected 16 bases or more");
        }

        if (Margin < 0 || Margin * 4L > Window)
        {
            problems.Add($"margin is {Margin}; expected 0 to a quarter of the window ({Window / 4})");
        }

        if (BatchTokens < 1)
        {
            problems.Add($"batch_tokens is {BatchTokens}; expected 1 or more");
        }

        return problems;
    }

    internal void ThrowIfInvalid(string parameter)
    {
        if (Validate() is [var problem, ..])
        {
            throw new ArgumentException(problem, parameter);
        }
    }
}
