namespace GenoSeq.Data;

/// <summary>Which bytes a sequence line may hold.</summary>
public enum SequenceLetters
{
    /// <summary>
    /// The IUPAC nucleotide codes in either case (Cornish-Bowden, Nucleic Acids Research 1985), <c>U</c>, and <c>-</c>,
    /// <c>.</c>, <c>*</c>.
    /// </summary>
    Dna,

    /// <summary>Every printable ASCII character but <c>&gt;</c>, <c>;</c> and <c>#</c>: proteins, for counting.</summary>
    Any,
}
