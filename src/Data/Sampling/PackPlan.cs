namespace GenoSeq.Data;

/// <summary>
/// Intervals shorter than a window, put side by side in rows of a window's length: every interval in exactly one pack,
/// the same packs in every epoch and on every machine.
/// </summary>
/// <remarks>
/// Best fit, decreasing: the longest interval first, each into the pack whose free space it fills best. Needs at most
/// 11/9 of the least possible number of packs, plus one (Johnson, Demers, Ullman, Garey and Graham, SIAM J. Comput. 3,
/// 1974). Linear time: lengths are sorted by counting, and a tree of bits finds the best free space. Memory besides the
/// result is 8 bytes an interval and 4 bytes a base of the window.
/// </remarks>
internal sealed class PackPlan
{
    private readonly GenomeInterval[] _segments;
    private readonly int[] _first;

    /// <param name="intervals">Each shorter than a window, and not empty.</param>
    /// <param name="capacity">Bases in a window.</param>
    internal PackPlan(List<GenomeInterval> intervals, int capacity)
    {
        int[] byLength = LongestFirst(intervals, capacity);
        int[] packOf = new int[intervals.Count];
        int packs = Fill(intervals, byLength, packOf, capacity);
        _first = new int[packs + 1];
        foreach (int pack in packOf)
        {
            _first[pack + 1]++;
        }
        for (int p = 0; p < packs; p++)
        {
            _first[p + 1] += _first[p];
        }
        _segments = new GenomeInterval[intervals.Count];
        int[] at = _first[..packs];
        foreach (int i in byLength)
        {
            _segments[at[packOf[i]]++] = intervals[i];
        }
    }

    /// <summary>Number of packs.</summary>
    internal int Count => _first.Length - 1;

    /// <summary>Every interval, pack by pack.</summary>
    internal IReadOnlyList<GenomeInterval> All => _segments;

    internal ReadOnlySpan<GenomeInterval> Segments(int pack) => _segments.AsSpan(_first[pack].._first[pack + 1]);

    internal SampleWindow Window(int pack, int epoch)
    {
        long bases = 0;
        foreach (GenomeInterval segment in Segments(pack))
        {
            bases += segment.Length;
        }
        GenomeInterval first = _segments[_first[pack]];
        return new SampleWindow(first.Contig, first.Start, (int)bases, epoch, 0, false, false, Pack: pack);
    }

    // Numbers of the intervals, longest first, equal ones in their own order: a sort by counting.
    private static int[] LongestFirst(List<GenomeInterval> intervals, int capacity)
    {
        int[] at = new int[capacity + 1];
        foreach (GenomeInterval interval in intervals)
        {
            at[(int)(capacity - interval.Length)]++;
        }
        int total = 0;
        for (int i = 0; i <= capacity; i++)
        {
            (at[i], total) = (total, total + at[i]);
        }
        int[] order = new int[intervals.Count];
        for (int i = 0; i < order.Length; i++)
        {
            order[at[(int)(capacity - intervals[i].Length)]++] = i;
        }
        return order;
    }

    private static int Fill(List<GenomeInterval> intervals, int[] byLength, int[] packOf, int capacity)
    {
        // Packs of each free space form a list; the index knows which lists are not empty.
        int[] head = new int[capacity + 1];
        Array.Fill(head, -1);
        var next = new List<int>();
        var free = new CapacityIndex(capacity);
        foreach (int i in byLength)
        {
            int length = (int)intervals[i].Length;
            int space = free.AtLeast(length);
            int pack;
            if (space < 0)
            {
                pack = next.Count;
                next.Add(-1);
                space = capacity;
            }
            else
            {
                pack = head[space];
                head[space] = next[pack];
                if (head[space] < 0)
                {
                    free.Remove(space);
                }
            }
            packOf[i] = pack;
            int left = space - length;
            if (left > 0)
            {
                next[pack] = head[left];
                head[left] = pack;
                free.Add(left);
            }
        }
        return next.Count;
    }
}
