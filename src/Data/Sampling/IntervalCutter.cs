namespace GenoSeq.Data;

/// <summary>
/// Cuts intervals so that every window that can be drawn from the pieces is wanted: no gap in it if gaps are skipped, and
/// enough known bases. So no drawn window has to be thrown away, none has to stand in for another, and every window of an
/// epoch comes exactly once.
/// </summary>
/// <remarks>
/// The number of unknown bases in [x, x + L) is, as a function of x, made of straight pieces of slope −1, 0 and 1 between
/// the borders of the runs and those borders less L. One sweep over both finds the stretches [a, b] of starts x at which
/// it is within the limit; the piece that allows exactly these windows is [a, b + L). Where two such pieces would share
/// bases, the second begins where the first one ends.
/// </remarks>
internal sealed class IntervalCutter(GenomeSource genome, UnknownRuns runs, WindowSamplerOptions options, ExclusionLog log)
{
    private readonly int _limit = options.UnknownLimit;

    /// <summary>Pieces of at least a window.</summary>
    internal List<GenomeInterval> Long { get; } = [];

    /// <summary>Pieces shorter than a window; empty unless they are packed.</summary>
    internal List<GenomeInterval> Short { get; } = [];

    internal void Add(GenomeInterval interval)
    {
        if (options.NPolicy == GapPolicy.Keep)
        {
            AddPiece(interval);
            return;
        }
        long from = interval.Start;
        long runStart = -1;
        foreach (long boundary in runs.Boundaries(genome, interval))
        {
            if (runStart < 0)
            {
                runStart = boundary;
                continue;
            }
            if (boundary - runStart >= options.GapLength)
            {
                AddPiece(interval with { Start = from, End = runStart });
                log.Add(Exclusion.Gap, interval with { Start = runStart, End = boundary });
                from = boundary;
            }
            runStart = -1;
        }
        AddPiece(interval with { Start = from });
    }

    private void AddPiece(GenomeInterval piece)
    {
        if (piece.Length <= 0)
        {
            return;
        }
        if (piece.Length < options.Length)
        {
            AddShort(piece);
        }
        else if (options.MinAcgtFraction == 0)
        {
            Long.Add(piece);
        }
        else
        {
            AddAllowed(piece);
        }
    }

    private void AddShort(GenomeInterval piece)
    {
        if (!options.Pack)
        {
            log.Add(Exclusion.ShorterThanWindow, piece);
        }
        else if (options.MinAcgtFraction > 0
            && runs.Count(genome, piece) > (1 - options.MinAcgtFraction) * piece.Length + 1e-9 * piece.Length)
        {
            log.Add(Exclusion.TooFewKnownBases, piece);
        }
        else
        {
            Short.Add(piece);
        }
    }

    private void AddAllowed(GenomeInterval piece)
    {
        int length = options.Length;
        long unknown = runs.Count(genome, piece with { End = piece.Start + length });
        using IEnumerator<long> entering = runs.Boundaries(genome, piece).GetEnumerator();
        using IEnumerator<long> leaving = runs.Boundaries(genome, piece).GetEnumerator();
        var front = new Border(entering);
        var back = new Border(leaving);
        long end = piece.End - length + 1;
        long used = piece.Start;
        long from = -1;
        long to = -1;
        for (long x = piece.Start; x < end;)
        {
            front.PassTo(x + length);
            back.PassTo(x);
            long next = Math.Min(end, Math.Min(back.Next, front.Next == long.MaxValue ? long.MaxValue : front.Next - length));
            int slope = (front.InRun ? 1 : 0) - (back.InRun ? 1 : 0);
            long room = _limit - unknown;
            long first = slope < 0 ? x + Math.Max(0, -room) : room >= 0 ? x : next;
            long last = slope > 0 ? Math.Min(next - 1, x + room) : slope < 0 || room >= 0 ? next - 1 : x - 1;
            if (first <= last)
            {
                if (from >= 0 && first != to + 1)
                {
                    used = Take(piece, used, from, to);
                    from = -1;
                }
                from = from < 0 ? first : from;
                to = last;
            }
            unknown += slope * (next - x);
            x = next;
        }
        if (from >= 0)
        {
            used = Take(piece, used, from, to);
        }
        log.Add(Exclusion.TooFewKnownBases, piece with { Start = used });
    }

    private long Take(GenomeInterval piece, long used, long first, long last)
    {
        long start = Math.Max(used, first);
        if (start > last)
        {
            return used;
        }
        log.Add(Exclusion.TooFewKnownBases, piece with { Start = used, End = start });
        Long.Add(piece with { Start = start, End = last + options.Length });
        return last + options.Length;
    }

    /// <summary>Walks over the borders of runs; knows whether the base at its position is in a run.</summary>
    private struct Border
    {
        private readonly IEnumerator<long> _borders;

        internal Border(IEnumerator<long> borders)
        {
            _borders = borders;
            Next = borders.MoveNext() ? borders.Current : long.MaxValue;
        }

        internal bool InRun { get; private set; }

        internal long Next { get; private set; }

        internal void PassTo(long position)
        {
            while (Next <= position)
            {
                InRun = !InRun;
                Next = _borders.MoveNext() ? _borders.Current : long.MaxValue;
            }
        }
    }
}
