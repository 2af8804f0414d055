namespace GenoSeq.Data;

/// <summary>One block (exon) of a BED12 line.</summary>
/// <param name="Start">First base on the contig, 0-based: the line's start plus the block's relative start.</param>
/// <param name="End">One past its last base.</param>
public readonly record struct BedBlock(long Start, long End)
{
    /// <summary>Number of bases; may be 0.</summary>
    public long Length => End - Start;
}
