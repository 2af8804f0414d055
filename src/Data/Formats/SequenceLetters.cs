namespace GenoSeq.Data;

/// <summary>Which bytes a sequence line may hold.</summary>
public enum SequenceLetters
{
    /// <summary>
    /// The IUPAC nucleotide codes in either case (Cornish-Bowden, Nucleic Acids Research 1985), <c>U</c>, and <c>-</c>,
    /// <c>.</c>, <c>*</c>.
    /// </summary>
    Dna,

    /// <summary>
    /// Letters of nucleotides and of proteins, gaps and placeholders (<c>-</c>, <c>.</c>, <c>*</c>, <c>?</c>, <c>~</c>), and
    /// digits that directly follow one of these in FASTA (anywhere in FASTQ): for counting. A digit where a FASTA line or
    /// word begins is a position number or a quality value, and is refused.
    /// </summary>
    AnyLetter,

    /// <summary>Every printable ASCII character but <c>&gt;</c>, <c>;</c> and <c>#</c>: for counting.</summary>
    Any,
}
