using System.Runtime.InteropServices;

namespace GenoSeq.Data;

/// <summary>The bases of some intervals as a set: overlaps and counts in logarithmic or linear time.</summary>
public sealed class IntervalSet
{
    // By contig and start; disjoint, and not touching.
    private readonly GenomeInterval[] _merged;

    /// <summary>The union of intervals.</summary>
    public IntervalSet(IEnumerable<GenomeInterval> intervals)
    {
        ArgumentNullException.ThrowIfNull(intervals);
        var all = new List<GenomeInterval>();
        foreach (GenomeInterval interval in intervals)
        {
            if (interval.Length > 0)
            {
                all.Add(interval);
            }
        }
        Span<GenomeInterval> sorted = CollectionsMarshal.AsSpan(all);
        sorted.Sort(static (a, b) => a.Contig != b.Contig ? a.Contig.CompareTo(b.Contig) : a.Start.CompareTo(b.Start));
        int n = 0;
        foreach (GenomeInterval interval in sorted)
        {
            if (n > 0 && sorted[n - 1].Contig == interval.Contig && interval.Start <= sorted[n - 1].End)
            {
                sorted[n - 1] = sorted[n - 1] with { End = Math.Max(sorted[n - 1].End, interval.End) };
            }
            else
            {
                sorted[n++] = interval;
            }
        }
        _merged = sorted[..n].ToArray();
    }

    /// <summary>The set as disjoint stretches, by contig and start.</summary>
    public IReadOnlyList<GenomeInterval> Stretches => _merged;

    /// <summary>Bases in the set.</summary>
    public long Bases
    {
        get
        {
            long bases = 0;
            foreach (GenomeInterval interval in _merged)
            {
                bases += interval.Length;
            }
            return bases;
        }
    }

    /// <summary>Whether a base of the interval is in the set.</summary>
    public bool Overlaps(GenomeInterval interval)
    {
        int low = 0;
        int high = _merged.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            GenomeInterval m = _merged[middle];
            if (m.Contig < interval.Contig || (m.Contig == interval.Contig && m.End <= interval.Start))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low < _merged.Length && _merged[low].Overlaps(interval);
    }

    /// <summary>Bases in both sets.</summary>
    public long SharedBases(IntervalSet other)
    {
        ArgumentNullException.ThrowIfNull(other);
        long shared = 0;
        int i = 0;
        int k = 0;
        while (i < _merged.Length && k < other._merged.Length)
        {
            GenomeInterval a = _merged[i];
            GenomeInterval b = other._merged[k];
            if (a.Contig == b.Contig)
            {
                shared += Math.Max(0, Math.Min(a.End, b.End) - Math.Max(a.Start, b.Start));
            }
            if (a.Contig < b.Contig || (a.Contig == b.Contig && a.End <= b.End))
            {
                i++;
            }
            else
            {
                k++;
            }
        }
        return shared;
    }
}
