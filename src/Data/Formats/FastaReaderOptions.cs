namespace GenoSeq.Data;

/// <summary>What a FASTA reader lets pass.</summary>
public sealed record FastaReaderOptions
{
    /// <summary>Nucleotides only, every record named: what a genome needs.</summary>
    public static FastaReaderOptions Default { get; } = new();

    /// <summary>The bytes of sequence lines.</summary>
    public SequenceLetters Letters { get; init; }

    /// <summary>Takes a header without a name, whose record can be counted but not looked up.</summary>
    public bool AllowEmptyNames { get; init; }
}
