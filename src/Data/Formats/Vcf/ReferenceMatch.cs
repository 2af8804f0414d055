namespace GenoSeq.Data;

/// <summary>How a variant's REF stands to the genome.</summary>
public enum ReferenceMatch
{
    /// <summary>The same bases, case apart.</summary>
    Equal,

    /// <summary>Not equal, but each base is possible: an IUPAC code (N above all) on one side stands for it.</summary>
    Compatible,

    /// <summary>At least one base contradicts.</summary>
    Different,

    /// <summary>Some of the bases lie outside the contig (the telomere does).</summary>
    OutsideContig,

    /// <summary>The genome has no such contig.</summary>
    MissingContig,
}
