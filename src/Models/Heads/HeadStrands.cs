namespace GenoSeq.Models.Heads;

/// <summary>Which strands of an equivariant model a head looks at.</summary>
public enum HeadStrands
{
    /// <summary>Both, averaged: a sequence and its reverse complement have the same outputs.</summary>
    Both,

    /// <summary>The strand as it was given: for questions about one strand, such as splice sites.</summary>
    Given,
}
