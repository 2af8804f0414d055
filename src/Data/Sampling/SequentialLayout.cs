namespace GenoSeq.Data;

/// <summary>Windows side by side from each interval's start, for evaluation: every base at most once, in order.</summary>
internal sealed class SequentialLayout : WindowLayout
{
    private readonly GenomeInterval[] _intervals;
    private readonly long[] _firstWindow;
    private readonly int _length;
    private readonly TailPolicy _tail;

    internal SequentialLayout(List<GenomeInterval> intervals, int length, TailPolicy tail)
    {
        _intervals = [.. intervals];
        _length = length;
        _tail = tail;
        _firstWindow = new long[_intervals.Length + 1];
        for (int i = 0; i < _intervals.Length; i++)
        {
            _firstWindow[i + 1] = _firstWindow[i] + (_intervals[i].Length + (tail == TailPolicy.Drop ? 0 : length - 1)) / length;
        }
    }

    internal override bool SameEveryEpoch => true;

    internal override IReadOnlyList<GenomeInterval> Intervals => _intervals;

    internal override long CountIn(int epoch) => _firstWindow[^1];

    internal override EpochCut Cut(int epoch) => new Windows(this, epoch);

    private sealed class Windows(SequentialLayout layout, int epoch) : EpochCut
    {
        internal override long Count => layout._firstWindow[^1];

        internal override SampleWindow At(long index)
        {
            (int i, long ordinal) = Locate(layout._firstWindow, index);
            GenomeInterval interval = layout._intervals[i];
            int length = layout._length;
            long start = interval.Start + ordinal * length;
            int targetStart = 0;
            long missing = start + length - interval.End;
            if (missing > 0)
            {
                if (layout._tail == TailPolicy.SlideBack)
                {
                    start -= missing;
                    targetStart = (int)missing;
                }
                else
                {
                    length -= (int)missing;
                }
            }
            return new SampleWindow(interval.Contig, start, length, epoch, targetStart,
                start > interval.Start, start + length < interval.End);
        }
    }
}
