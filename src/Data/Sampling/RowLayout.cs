namespace GenoSeq.Data;

/// <summary>The published rules, whose windows belong to the rows of a BED file and may reach beyond them.</summary>
/// <remarks>
/// Windows are numbered row by row, a row's windows side by side: row = number / windows a row. Windows that are left out
/// because they share bases with held-out ones leave runs of a row's windows, which then are what is numbered.
/// No window has a base before or after it that it may be trained to predict: the published loaders take their labels
/// from inside the window.
/// </remarks>
internal sealed class RowLayout : WindowLayout
{
    private readonly GenomeInterval[] _rows;
    private readonly long[] _contigLengths;
    private readonly WindowSamplerOptions _options;
    private readonly int _perRow;
    private readonly ulong _shiftKey;
    private readonly (int Row, int First)[]? _runs;
    private readonly long[] _firstOfRun = [];

    /// <param name="rows">Intervals as written; ends may lie beyond the contig.</param>
    /// <param name="contigLengths">[rows] bases of each row's contig.</param>
    /// <param name="options">Rule, length, shifts.</param>
    /// <param name="heldOut">Bases that no window may have, or null.</param>
    /// <param name="log">Is told which windows are left out.</param>
    internal RowLayout(GenomeInterval[] rows, long[] contigLengths, WindowSamplerOptions options, IntervalSet? heldOut, ExclusionLog log)
    {
        _rows = rows;
        _contigLengths = contigLengths;
        _options = options;
        _perRow = options.Rule == WindowRule.Caduceus ? CaduceusRule.WindowsOf(options.Length) : 1;
        _shiftKey = CounterRandom.Key(options.Seed, "window shift");
        if (heldOut is not null)
        {
            (_runs, _firstOfRun) = RunsOutside(heldOut, log);
        }
    }

    internal override bool SameEveryEpoch => true;

    internal override IReadOnlyList<GenomeInterval> Intervals => _rows;

    internal override IEnumerable<GenomeInterval> Reach => _runs is null
        ? Enumerable.Range(0, _rows.Length).Select(r => ReachOf(r, 0, _perRow))
        : Enumerable.Range(0, _runs.Length).Select(
            r => ReachOf(_runs[r].Row, _runs[r].First, (int)(_firstOfRun[r + 1] - _firstOfRun[r])));

    private bool Shifts => _options.Shuffle && (_options.ShiftMin != 0 || _options.ShiftMax != 0);

    private long Count => _runs is null ? (long)_rows.Length * _perRow : _firstOfRun[^1];

    internal override long CountIn(int epoch) => Count;

    internal override EpochCut Cut(int epoch) => new Windows(this, epoch);

    private SampleWindow Window(int row, int number, int epoch)
    {
        GenomeInterval interval = _rows[row];
        int length = _options.Length;
        if (_options.Rule == WindowRule.Caduceus)
        {
            long at = CaduceusRule.Start(interval.Start, _contigLengths[row], length, number);
            return new SampleWindow(interval.Contig, at, length, epoch, 0, false, false);
        }
        (long start, int bases, int missingLeft) = HyenaRule.Window(interval, _contigLengths[row], length, ShiftOf(row, epoch));
        int padLeft = _options.Padding switch
        {
            WindowPadding.Left => length - bases,
            WindowPadding.Sides => missingLeft,
            _ => 0,
        };
        return new SampleWindow(interval.Contig, start, bases, epoch, 0, false, false, padLeft);
    }

    private long ShiftOf(int row, int epoch)
    {
        if (!Shifts)
        {
            return 0;
        }
        (long least, long count) = HyenaRule.Shifts(_rows[row], _contigLengths[row], _options.ShiftMin, _options.ShiftMax);
        return least + (long)Math.BigMul(new CounterRandom(_shiftKey, epoch).PairAt((ulong)row), (ulong)count, out _);
    }

    // All bases that windows [first, first + count) of a row may have, whatever the shift: one stretch, since neighbouring
    // windows touch and neighbouring shifts overlap.
    private GenomeInterval ReachOf(int row, int first, int count)
    {
        GenomeInterval interval = _rows[row];
        long contig = _contigLengths[row];
        int length = _options.Length;
        if (_options.Rule == WindowRule.Caduceus)
        {
            return new GenomeInterval(interval.Contig, CaduceusRule.Start(interval.Start, contig, length, first),
                CaduceusRule.Start(interval.Start, contig, length, first + count - 1) + length);
        }
        (long least, long shifts) = Shifts
            ? HyenaRule.Shifts(interval, contig, _options.ShiftMin, _options.ShiftMax)
            : (0, 1);
        (long start, _, _) = HyenaRule.Window(interval, contig, length, least);
        (long lastStart, int bases, _) = HyenaRule.Window(interval, contig, length, least + shifts - 1);
        return new GenomeInterval(interval.Contig, start, lastStart + bases);
    }

    private ((int Row, int First)[] Runs, long[] First) RunsOutside(IntervalSet heldOut, ExclusionLog log)
    {
        var runs = new List<(int, int)>();
        var firstOf = new List<long> { 0 };
        for (int row = 0; row < _rows.Length; row++)
        {
            int begun = -1;
            for (int i = 0; i <= _perRow; i++)
            {
                GenomeInterval reach = i < _perRow ? ReachOf(row, i, 1) : default;
                bool isKept = i < _perRow && !heldOut.Overlaps(reach);
                if (i < _perRow && !isKept)
                {
                    log.Add(Exclusion.SharesHeldOutBases, reach);
                }
                if (isKept && begun < 0)
                {
                    begun = i;
                }
                else if (!isKept && begun >= 0)
                {
                    runs.Add((row, begun));
                    firstOf.Add(firstOf[^1] + i - begun);
                    begun = -1;
                }
            }
        }
        return ([.. runs], [.. firstOf]);
    }

    private sealed class Windows(RowLayout layout, int epoch) : EpochCut
    {
        internal override long Count => layout.Count;

        internal override SampleWindow At(long index)
        {
            if (layout._runs is null)
            {
                return layout.Window((int)(index / layout._perRow), (int)(index % layout._perRow), epoch);
            }
            (int run, long ordinal) = Locate(layout._firstOfRun, index);
            (int row, int first) = layout._runs[run];
            return layout.Window(row, first + (int)ordinal, epoch);
        }
    }
}
