namespace GenoSeq.Data;

/// <summary>One window of a genome, as chosen by a <see cref="WindowSampler"/>.</summary>
/// <param name="Contig">Index of the contig.</param>
/// <param name="Start">First base, 0-based.</param>
/// <param name="Length">Number of bases; less than the sampler's length only for a short tail.</param>
/// <param name="Epoch">Which pass over the data, from 0.</param>
/// <param name="TargetStart">Positions of the window before this one were targets of an earlier window and must not
/// count again.</param>
/// <param name="HasPrevious">True if the base before the window belongs to the same interval.</param>
/// <param name="HasNext">True if the base after the window belongs to the same interval.</param>
/// <param name="PadLeft">Padding positions before the first base; the row is padded on the right as far as it then
/// needs.</param>
/// <param name="Pack">Number of the pack whose intervals make this sample, or -1 for a window of one interval. For a
/// pack, contig and start are those of its first interval and the length is that of all of them.</param>
public readonly record struct SampleWindow(
    int Contig, long Start, int Length, int Epoch, int TargetStart, bool HasPrevious, bool HasNext,
    int PadLeft = 0, int Pack = -1)
{
    /// <summary>One past the last base.</summary>
    public long End => Start + Length;

    /// <summary>The window as an interval.</summary>
    public GenomeInterval Interval => new(Contig, Start, End);
}
