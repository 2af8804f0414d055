namespace GenoSeq.Data;

/// <summary>The strand that a feature lies on.</summary>
public enum Strand
{
    /// <summary>Not stated: <c>.</c>, or <c>*</c> as Bioconductor writes it.</summary>
    None,

    /// <summary><c>+</c>, the strand that the reference is written in.</summary>
    Forward,

    /// <summary><c>-</c>: its bases are the reverse complement of the reference.</summary>
    Reverse,
}
