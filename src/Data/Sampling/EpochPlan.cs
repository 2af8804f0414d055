namespace GenoSeq.Data;

/// <summary>
/// How the intervals are cut in one epoch: for each interval its phase and the number of its first window.
/// </summary>
internal sealed class EpochPlan
{
    private readonly long[] _firstWindow;

    /// <param name="epoch">Epoch number.</param>
    /// <param name="firstSample">Global index of the epoch's first sample.</param>
    /// <param name="firstWindow">[intervals + 1] running total of windows.</param>
    /// <param name="order">Order of the windows, or null for the natural one.</param>
    internal EpochPlan(int epoch, long firstSample, long[] firstWindow, KeyedPermutation? order)
    {
        Epoch = epoch;
        FirstSample = firstSample;
        _firstWindow = firstWindow;
        Order = order;
    }

    internal int Epoch { get; }

    internal long FirstSample { get; }

    internal KeyedPermutation? Order { get; }

    internal long Count => _firstWindow[^1];

    internal bool Contains(long sample) => sample >= FirstSample && sample - FirstSample < Count;

    /// <summary>Which interval holds a window, and which of the interval's windows it is.</summary>
    internal (int Interval, long Ordinal) Locate(long window)
    {
        int i = Array.BinarySearch(_firstWindow, window);
        if (i < 0)
        {
            i = ~i - 1;
        }
        // Intervals without windows repeat their successor's total; the last of equal entries owns the window.
        while (_firstWindow[i + 1] == window)
        {
            i++;
        }
        return (i, window - _firstWindow[i]);
    }
}
