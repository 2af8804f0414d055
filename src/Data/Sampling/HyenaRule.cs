namespace GenoSeq.Data;

/// <summary>One window for each interval, as HyenaDNA's loader of the human genome cuts it.</summary>
/// <remarks>
/// Nguyen et al., "HyenaDNA", NeurIPS 2023; rules of its published loader (<c>FastaInterval</c>): shift, grow by
/// floor(missing/2) on the left and the rest on the right, clip at the contig's ends, truncate a longer interval behind
/// its first L bases.
/// </remarks>
public static class HyenaRule
{
    /// <summary>The window of an interval.</summary>
    /// <param name="interval">The interval; its end may lie beyond the contig.</param>
    /// <param name="contigLength">Bases of its contig.</param>
    /// <param name="length">Bases in a full window.</param>
    /// <param name="shift">Bases by which the interval is moved first.</param>
    /// <returns>First base, number of bases, and how many bases are missing on the left.</returns>
    public static (long Start, int Length, int MissingLeft) Window(
        GenomeInterval interval, long contigLength, int length, long shift = 0)
    {
        long start = interval.Start + shift;
        long end = interval.End + shift;
        long missing = length - interval.Length;
        if (missing > 0)
        {
            start -= missing / 2;
            end += missing - missing / 2;
        }
        long missingLeft = Math.Max(0, -start);
        start = Math.Max(0, start);
        end = Math.Min(end, contigLength);
        if (missing < 0)
        {
            end = Math.Min(start + length, contigLength);
        }
        return (start, (int)(end - start), (int)missingLeft);
    }

    /// <summary>
    /// The shifts that may be drawn for an interval: from <c>max(start + min, 0) − start</c> up to, and without,
    /// <c>min(end + max + 1, contig) − end</c>. An interval that ends with its contig is therefore always moved left, as
    /// published; where nothing can be drawn (the published loader stops there) the shift is 0.
    /// </summary>
    /// <returns>Least shift and number of shifts.</returns>
    public static (long Least, long Count) Shifts(GenomeInterval interval, long contigLength, int min, int max)
    {
        long least = Math.Max(interval.Start + min, 0) - interval.Start;
        long beyond = Math.Min(interval.End + max + 1L, contigLength) - interval.End;
        return beyond > least ? (least, beyond - least) : (0, 1);
    }
}
