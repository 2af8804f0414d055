namespace GenoSeq.Inference.Variants;

/// <summary>Why a variant has a score or has none.</summary>
public enum VariantStatus
{
    /// <summary>It has.</summary>
    Scored,

    /// <summary>The genome has other bases than REF there.</summary>
    RefMismatch,

    /// <summary>The genome has no such contig.</summary>
    NoContig,

    /// <summary>It lies outside of its contig.</summary>
    OutsideContig,

    /// <summary>ALT is a symbol such as <c>&lt;DEL&gt;</c>.</summary>
    Symbolic,

    /// <summary>ALT is a breakend.</summary>
    Breakend,

    /// <summary>ALT is <c>*</c>: an earlier deletion.</summary>
    Overlap,

    /// <summary>There is no ALT.</summary>
    NoAlt,

    /// <summary>An allele has other letters than A, C, G and T.</summary>
    Ambiguous,

    /// <summary>An allele is longer than is scored.</summary>
    TooLong,

    /// <summary>ALT is REF.</summary>
    Unchanged,
}

/// <summary>The effect of one alternative allele.</summary>
/// <param name="Status">Whether it was scored.</param>
/// <param name="Score">
/// Natural log-likelihood ratio or difference, negative where the model finds the alternative less likely; or the L2 distance of embeddings.
/// NaN without one.
/// </param>
/// <param name="Reference">The reference's log-likelihood; of embeddings the cosine distance.</param>
/// <param name="Alternative">The alternative's log-likelihood; NaN for embeddings.</param>
public readonly record struct VariantScore(VariantStatus Status, double Score = double.NaN, double Reference = double.NaN, double Alternative = double.NaN)
{
    /// <summary>The status as a word for tables.</summary>
    public string StatusText => Status switch
    {
        VariantStatus.Scored => "scored",
        VariantStatus.RefMismatch => "ref_mismatch",
        VariantStatus.NoContig => "no_contig",
        VariantStatus.OutsideContig => "outside_contig",
        VariantStatus.Symbolic => "symbolic",
        VariantStatus.Breakend => "breakend",
        VariantStatus.Overlap => "overlap",
        VariantStatus.NoAlt => "no_alt",
        VariantStatus.Ambiguous => "ambiguous",
        VariantStatus.TooLong => "too_long",
        _ => "unchanged",
    };
}
