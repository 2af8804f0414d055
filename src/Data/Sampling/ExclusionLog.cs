namespace GenoSeq.Data;

/// <summary>Why a stretch of the data is in no window.</summary>
public enum Exclusion
{
    /// <summary>It is shorter than a window.</summary>
    ShorterThanWindow,

    /// <summary>It is a gap, and gaps are skipped.</summary>
    Gap,

    /// <summary>No window over it has enough known bases.</summary>
    TooFewKnownBases,

    /// <summary>It is too short an overlap or rest between two stretches that are used.</summary>
    Rest,

    /// <summary>Its contig is shorter than a window.</summary>
    ContigShorterThanWindow,

    /// <summary>A window over it would share bases with a held-out one.</summary>
    SharesHeldOutBases,
}

/// <summary>What was left out of one kind.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Intervals">How many stretches.</param>
/// <param name="Bases">Their bases.</param>
/// <param name="First">The first of them, at most <see cref="ExclusionLog.Kept"/>.</param>
public sealed record ExclusionCount(Exclusion Reason, long Intervals, long Bases, IReadOnlyList<GenomeInterval> First);

/// <summary>Counts what is left out, and keeps the first stretches of every kind: memory does not grow with the data.</summary>
public sealed class ExclusionLog
{
    /// <summary>Stretches of each kind that are kept by themselves.</summary>
    public const int Kept = 100;

    private readonly SortedDictionary<Exclusion, (long Intervals, long Bases, List<GenomeInterval> First)> _found = [];

    /// <summary>What was left out, by reason.</summary>
    public IReadOnlyList<ExclusionCount> Counts =>
        [.. _found.Select(f => new ExclusionCount(f.Key, f.Value.Intervals, f.Value.Bases, f.Value.First))];

    /// <summary>Stretches of all kinds.</summary>
    public long Intervals => _found.Values.Sum(f => f.Intervals);

    /// <summary>Bases of all kinds.</summary>
    public long Bases => _found.Values.Sum(f => f.Bases);

    internal void Add(Exclusion reason, GenomeInterval interval)
    {
        if (interval.Length <= 0)
        {
            return;
        }
        (long intervals, long bases, List<GenomeInterval> first) = _found.TryGetValue(reason, out var found) ? found : (0, 0, []);
        if (first.Count < Kept)
        {
            first.Add(interval);
        }
        _found[reason] = (intervals + 1, bases + interval.Length, first);
    }
}
