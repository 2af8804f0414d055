namespace GenoSeq.Data;

/// <summary>
/// Windows at a stride over every interval, from a phase that is drawn per interval and epoch; then the packs of short
/// intervals.
/// </summary>
/// <remarks>
/// An interval of n bases with phase p holds floor((n − p − L) / S) + 1 windows of L bases at stride S, and p is drawn
/// from [0, min(S, n − L + 1)), so that at least one fits. With n − L &lt; S there is always exactly one: such intervals
/// (rows of a table, contigs of one read) cost nothing per epoch; only the others have a running total in each epoch.
/// </remarks>
internal sealed class TileLayout : WindowLayout
{
    private readonly WindowSamplerOptions _options;
    private readonly GenomeInterval[] _intervals;
    private readonly int _several;
    private readonly ulong _phaseKey;
    private readonly ulong _jitterKey;

    /// <param name="intervals">Each at least a window long.</param>
    /// <param name="packs">Packs of the shorter ones, or null.</param>
    /// <param name="options">How to cut.</param>
    internal TileLayout(List<GenomeInterval> intervals, PackPlan? packs, WindowSamplerOptions options)
    {
        _options = options;
        Packs = packs;
        _intervals = new GenomeInterval[intervals.Count];
        int single = 0;
        foreach (GenomeInterval interval in intervals)
        {
            if (HasSeveral(interval))
            {
                _intervals[_several++] = interval;
            }
        }
        foreach (GenomeInterval interval in intervals)
        {
            if (!HasSeveral(interval))
            {
                _intervals[_several + single++] = interval;
            }
        }
        _phaseKey = CounterRandom.Key(options.Seed, "window phase");
        _jitterKey = CounterRandom.Key(options.Seed, "window jitter");
    }

    internal override bool SameEveryEpoch => _several == 0 || !_options.RandomPhase;

    internal override IReadOnlyList<GenomeInterval> Intervals => _intervals;

    internal override PackPlan? Packs { get; }

    internal override IEnumerable<GenomeInterval> Reach =>
        Packs is null ? _intervals : _intervals.Concat(Packs.All);

    private long Fixed => _intervals.Length - _several + (Packs?.Count ?? 0);

    internal override long CountIn(int epoch)
    {
        long count = Fixed;
        for (int i = 0; i < _several; i++)
        {
            count += WindowsOf(epoch, i);
        }
        return count;
    }

    internal override EpochCut Cut(int epoch)
    {
        var firstWindow = new long[_several + 1];
        for (int i = 0; i < _several; i++)
        {
            firstWindow[i + 1] = firstWindow[i] + WindowsOf(epoch, i);
        }
        return new Tiles(this, epoch, firstWindow);
    }

    private bool HasSeveral(GenomeInterval interval) => interval.Length - _options.Length >= _options.Step;

    private long WindowsOf(int epoch, int interval) =>
        (_intervals[interval].Length - Phase(epoch, interval) - _options.Length) / _options.Step + 1;

    private long Phase(int epoch, int interval)
    {
        if (!_options.RandomPhase)
        {
            return 0;
        }
        // Limited so that an interval that holds a window at all always has one.
        long phases = Math.Min(_options.Step, _intervals[interval].Length - _options.Length + 1);
        return Draw(_phaseKey, epoch, interval, phases);
    }

    // A 64-bit word scaled to the range: its bias of 2^-64 times the range is far below what can be seen.
    private static long Draw(ulong key, int epoch, long item, long range) =>
        (long)Math.BigMul(new CounterRandom(key, epoch).PairAt((ulong)item), (ulong)range, out _);

    private sealed class Tiles(TileLayout layout, int epoch, long[] firstWindow) : EpochCut
    {
        private readonly long _packsFrom = firstWindow[^1] + layout._intervals.Length - layout._several;

        internal override long Count { get; } = firstWindow[^1] + layout.Fixed;

        internal override SampleWindow At(long index)
        {
            if (index >= _packsFrom)
            {
                return layout.Packs!.Window((int)(index - _packsFrom), epoch);
            }
            (int i, long ordinal) = index < firstWindow[^1]
                ? Locate(firstWindow, index)
                : (layout._several + (int)(index - firstWindow[^1]), 0);
            WindowSamplerOptions options = layout._options;
            GenomeInterval interval = layout._intervals[i];
            long start = interval.Start + layout.Phase(epoch, i) + ordinal * options.Step;
            if (options.Jitter > 0)
            {
                // Less than a stride to the right, and not beyond the interval: starts stay in order and different.
                start = Math.Min(start + Draw(layout._jitterKey, epoch, index, options.Jitter + 1L), interval.End - options.Length);
            }
            return new SampleWindow(interval.Contig, start, options.Length, epoch, 0,
                start > interval.Start, start + options.Length < interval.End);
        }
    }
}
