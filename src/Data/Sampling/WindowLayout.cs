namespace GenoSeq.Data;

/// <summary>Which windows an epoch has, in their natural order: a sampler's rule without its order.</summary>
internal abstract class WindowLayout
{
    /// <summary>Whether every epoch has the same number of windows, so that none has to be counted.</summary>
    internal abstract bool SameEveryEpoch { get; }

    /// <summary>The intervals that windows are cut from.</summary>
    internal abstract IReadOnlyList<GenomeInterval> Intervals { get; }

    /// <summary>Windows of an epoch.</summary>
    internal abstract long CountIn(int epoch);

    /// <summary>The windows of an epoch.</summary>
    internal abstract EpochCut Cut(int epoch);

    /// <summary>Stretches that hold every base that a window of any epoch may have.</summary>
    internal virtual IEnumerable<GenomeInterval> Reach => Intervals;

    /// <summary>The packs of short intervals, or null.</summary>
    internal virtual PackPlan? Packs => null;
}

/// <summary>The windows of one epoch, by their natural number. Immutable, safe to share.</summary>
internal abstract class EpochCut
{
    /// <summary>How many.</summary>
    internal abstract long Count { get; }

    /// <summary>Window <paramref name="index"/> in natural order.</summary>
    internal abstract SampleWindow At(long index);

    /// <summary>Which interval holds a window, and which of the interval's windows it is.</summary>
    /// <param name="firstWindow">[intervals + 1] running total of windows.</param>
    /// <param name="window">Its number.</param>
    protected static (int Interval, long Ordinal) Locate(long[] firstWindow, long window)
    {
        int i = Array.BinarySearch(firstWindow, window);
        if (i < 0)
        {
            i = ~i - 1;
        }
        // Intervals without windows repeat their successor's total; the last of equal entries owns the window.
        while (firstWindow[i + 1] == window)
        {
            i++;
        }
        return (i, window - firstWindow[i]);
    }
}
