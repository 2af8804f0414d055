namespace GenoSeq.Data;

/// <summary>Makes the layout that options ask for, or says why no window fits.</summary>
internal static class WindowLayouts
{
    internal static WindowLayout Create(
        GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, WindowSamplerOptions options, IntervalSet? heldOut, ExclusionLog log)
    {
        bool isTile = options.Rule == WindowRule.Tile;
        long longest = 0;
        foreach (GenomeInterval interval in intervals)
        {
            CheckInterval(genome, interval, endInside: isTile);
            longest = Math.Max(longest, interval.Length);
        }
        WindowLayout layout = !isTile ? Rows(genome, intervals, options, heldOut, log)
            : options.Shuffle ? Tiles(genome, intervals, options, log)
            : Sequence(intervals, options, log);
        if (layout.CountIn(0) == 0)
        {
            throw Nothing(options, log, intervals.Count, longest);
        }
        return layout;
    }

    private static SequentialLayout Sequence(IReadOnlyList<GenomeInterval> intervals, WindowSamplerOptions options, ExclusionLog log)
    {
        var kept = new List<GenomeInterval>(intervals.Count);
        foreach (GenomeInterval interval in intervals)
        {
            if (interval.Length >= options.Length || (options.Tail == TailPolicy.Short && interval.Length > 0))
            {
                kept.Add(interval);
            }
            else
            {
                log.Add(Exclusion.ShorterThanWindow, interval);
            }
        }
        return new SequentialLayout(kept, options.Length, options.Tail);
    }

    private static TileLayout Tiles(
        GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, WindowSamplerOptions options, ExclusionLog log)
    {
        UnknownRuns runs = UnknownRuns.Of(genome);
        if (options.MinAcgtFraction > 0 || options.NPolicy == GapPolicy.Skip)
        {
            runs.Prepare(genome, intervals.Where(i => options.Pack || i.Length >= options.Length).Select(i => i.Contig));
        }
        var cutter = new IntervalCutter(genome, runs, options, log);
        foreach (GenomeInterval interval in intervals)
        {
            cutter.Add(interval);
        }
        return new TileLayout(cutter.Long, cutter.Short.Count > 0 ? new PackPlan(cutter.Short, options.Length) : null, options);
    }

    private static RowLayout Rows(
        GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, WindowSamplerOptions options, IntervalSet? heldOut, ExclusionLog log)
    {
        var kept = new List<GenomeInterval>(intervals.Count);
        foreach (GenomeInterval interval in intervals)
        {
            if (options.Rule == WindowRule.Caduceus && genome.LengthOf(interval.Contig) < options.Length)
            {
                log.Add(Exclusion.ContigShorterThanWindow, interval);
            }
            else
            {
                kept.Add(interval);
            }
        }
        long[] contigs = new long[kept.Count];
        for (int i = 0; i < contigs.Length; i++)
        {
            contigs[i] = genome.LengthOf(kept[i].Contig);
        }
        return new RowLayout([.. kept], contigs, options, heldOut, log);
    }

    private static void CheckInterval(GenomeSource genome, GenomeInterval interval, bool endInside)
    {
        if ((uint)interval.Contig >= (uint)genome.Contigs.Count || interval.Start < 0 || interval.End < interval.Start
            || (endInside ? interval.End > genome.LengthOf(interval.Contig)
                : interval.Start >= genome.LengthOf(interval.Contig) || interval.Length == 0))
        {
            throw new ArgumentException($"{interval} is no interval of this genome", nameof(interval));
        }
    }

    private static InputDataException Nothing(WindowSamplerOptions options, ExclusionLog log, int intervals, long longest)
    {
        ExclusionCount? most = log.Counts.MaxBy(c => c.Bases);
        return most?.Reason switch
        {
            Exclusion.TooFewKnownBases or Exclusion.Gap => new InputDataException(
                FormattableString.Invariant(
                    $"no window of {options.Length} bases has {options.MinAcgtFraction:P0} known bases{(options.NPolicy == GapPolicy.Skip ? " and no gap" : "")}"),
                $"{intervals} intervals, the longest {longest} bases", "windows with known bases",
                "a smaller share of known bases, a shorter context, or intervals without gaps"),
            Exclusion.SharesHeldOutBases => new InputDataException(
                $"every window of {options.Length} bases shares bases with held-out windows", $"{intervals} intervals",
                "training intervals away from the held-out ones", "the tile rule, or windows that may share bases"),
            _ => new InputDataException(
                "the context is longer than the data",
                $"window length {options.Length}, longest of {intervals} intervals {longest} bases",
                $"at least one interval of {options.Length} bases or more",
                "a shorter context, or data with longer contigs or intervals"),
        };
    }
}
