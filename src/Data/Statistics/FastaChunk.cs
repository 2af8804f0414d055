namespace GenoSeq.Data;

/// <summary>
/// What a piece of a FASTA file adds, whatever came before it: its first partial line counted as if it were sequence, the
/// bases before its first header, and those of its last, open record.
/// </summary>
internal struct FastaChunk
{
    /// <summary>The first line's rest, if that line is sequence.</summary>
    internal BaseTally Prefix;

    internal BaseTally Body;

    /// <summary>Body bases before the first header.</summary>
    internal long Leading;

    /// <summary>Bases after the last header.</summary>
    internal long Trailing;

    /// <summary>The piece begins within a line.</summary>
    internal bool HasPrefix;

    /// <summary>That rest cannot be sequence.</summary>
    internal bool PrefixForeign;

    /// <summary>No line ends in the piece.</summary>
    internal bool PrefixOpen;

    internal bool HasHeader;
    internal bool EndsInHeader;

    /// <summary>The last byte is CR, so the next piece must begin with LF.</summary>
    internal bool EndsWithCarriageReturn;

    internal bool StartsWithLineFeed;

    /// <summary>The piece holds what the fast way leaves to the reader.</summary>
    internal bool Unusual;
}
