namespace GenoSeq.Data;

/// <summary>What 64 bytes of sequence text are, one bit for each byte, lowest bit first.</summary>
internal ref struct BlockMasks
{
    /// <summary>Characters of a sequence, placeholders included.</summary>
    internal ulong Sequence;

    /// <summary>G, C, S: three hydrogen bonds.</summary>
    internal ulong Strong;

    /// <summary>A, T, U, W: two hydrogen bonds.</summary>
    internal ulong Weak;

    internal ulong N;

    /// <summary>Lower-case letters.</summary>
    internal ulong Lower;

    /// <summary>Sequence characters that are no nucleotide code.</summary>
    internal ulong Foreign;

    internal ulong LineFeed;

    internal ulong CarriageReturn;
}
