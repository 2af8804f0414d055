namespace GenoSeq.Data;

/// <summary>Adds the counts of several files up.</summary>
public sealed class SequenceTotals
{
    private SequenceStats? _sum;

    internal LengthHistogram Lengths { get; } = new();

    /// <summary>Files counted.</summary>
    public int Files { get; private set; }

    /// <summary>Counts a file and adds it.</summary>
    /// <exception cref="InputDataException">The file cannot be counted; nothing was added.</exception>
    public SequenceStats Measure(string path, SequenceStatisticsOptions options) => SequenceStatistics.Measure(path, options, this);

    internal void Add(SequenceStats stats)
    {
        Files++;
        _sum = _sum is null
            ? stats
            : _sum with
            {
                Format = _sum.Format == stats.Format ? stats.Format : "mixed",
                Sequences = _sum.Sequences + stats.Sequences,
                Bases = _sum.Bases + stats.Bases,
                Strong = _sum.Strong + stats.Strong,
                Weak = _sum.Weak + stats.Weak,
                N = _sum.N + stats.N,
                SoftMasked = _sum.SoftMasked + stats.SoftMasked,
                Foreign = _sum.Foreign + stats.Foreign,
            };
    }

    /// <summary>The sum, under the name <c>total</c>; minimum, maximum and N50 are over the records of all files.</summary>
    public SequenceStats ToStats()
    {
        (long min, long max, long n50) = Lengths.Summary();
        return (_sum ?? new SequenceStats("total", "none", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)) with
        {
            File = "total",
            Min = min,
            Max = max,
            N50 = n50,
        };
    }
}
