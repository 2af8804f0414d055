using GenoSeq.Inference.Scoring;

namespace GenoSeq.Inference.Variants;

/// <summary>What the effect of a variant is measured by.</summary>
public enum VariantMethod
{
    /// <summary>The likelihood ratio for masked models, the likelihood difference for causal ones.</summary>
    Auto,

    /// <summary>
    /// Masked models: the changed bases are masked, log p(alternative) - log p(reference) (Meier et al., NeurIPS 2021, "masked marginals").
    /// Where the length changes there is no such position, and the difference of the windows' pseudo-likelihoods is taken.
    /// </summary>
    Llr,

    /// <summary>Log-likelihood of the window with the alternative minus that with the reference; of masked models the pseudo-likelihood.</summary>
    Delta,

    /// <summary>Distance of the two windows' mean embeddings: L2 and cosine.</summary>
    Embedding,
}

/// <summary>How variants are scored.</summary>
public sealed record VariantOptions
{
    /// <summary>The measure.</summary>
    public VariantMethod Method { get; init; }

    /// <summary>Bases on each side of a variant that the model sees; fewer where the contig ends or is unknown.</summary>
    public int Context { get; init; } = 512;

    /// <summary>Strands read; both are averaged.</summary>
    public StrandUse Strand { get; init; }

    /// <summary>Masked models: passes of a pseudo-likelihood.</summary>
    public int MaskStride { get; init; } = 8;

    /// <summary>Longer alleles are not scored.</summary>
    public int MaxAllele { get; init; } = 1000;

    /// <summary>Tokens in one batch, at least those of one row.</summary>
    public int BatchTokens { get; init; } = 32768;

    /// <summary>Every problem of these options; empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>(Likelihood().Validate());
        if (Context is < 1 or > 1 << 24)
        {
            problems.Add($"context is {Context}; expected 1 base or more on each side");
        }

        if (MaxAllele is < 1 or > 1 << 24)
        {
            problems.Add($"max_allele is {MaxAllele}; expected 1 base or more");
        }

        return problems;
    }

    /// <summary>A window is one piece: it is scored as a whole.</summary>
    internal LikelihoodOptions Likelihood() => new()
    {
        Strand = Strand,
        MaskStride = MaskStride,
        Window = Math.Max(16384, (int)Math.Min(int.MaxValue, (2L * Context) + MaxAllele)),
        BatchTokens = BatchTokens,
    };
}
