namespace GenoSeq.Data;

/// <summary>
/// A pure function from a global sample index to a window of a genome; safe to call from many threads at once.
/// </summary>
public interface IWindowSampler
{
    /// <summary>Bases in a full window, and tokens in a row of a batch.</summary>
    public int Length { get; }

    /// <summary>Whether a sample may be a pack of several short intervals, so that batches carry sequence ids.</summary>
    public bool Packs { get; }

    /// <summary>The window of a global sample index, counted from 0 over all epochs.</summary>
    public SampleWindow At(long sampleIndex);

    /// <summary>Number of windows in an epoch.</summary>
    public long WindowsPerEpoch(int epoch);

    /// <summary>
    /// The intervals of a pack (<see cref="SampleWindow.Pack"/>), in the order in which they stand in the row, side by
    /// side; together at most <see cref="Length"/> bases.
    /// </summary>
    public ReadOnlySpan<GenomeInterval> PackSegments(int pack);
}
