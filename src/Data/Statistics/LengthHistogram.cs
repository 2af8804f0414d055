namespace GenoSeq.Data;

/// <summary>How many records have which length: all that minimum, maximum and N50 need, whatever the number of reads.</summary>
internal sealed class LengthHistogram
{
    private const int Direct = 4096;

    private readonly long[] _short = new long[Direct];
    private readonly Dictionary<long, long> _long = [];

    internal long Records { get; private set; }

    internal void Add(long length, long records = 1)
    {
        Records += records;
        if (length < Direct)
        {
            _short[length] += records;
        }
        else
        {
            _long[length] = _long.GetValueOrDefault(length) + records;
        }
    }

    internal void Add(LengthHistogram other)
    {
        foreach ((long length, long records) in other.Ascending())
        {
            Add(length, records);
        }
    }

    /// <summary>Shortest and longest length, and the length at which, from the longest down, half of the bases are reached.</summary>
    internal (long Min, long Max, long N50) Summary()
    {
        List<(long Length, long Records)> all = Ascending();
        if (all.Count == 0)
        {
            return default;
        }
        decimal total = 0;
        foreach ((long length, long records) in all)
        {
            total += (decimal)length * records;
        }
        decimal reached = 0;
        long n50 = all[^1].Length;
        for (int i = all.Count - 1; i >= 0; i--)
        {
            reached += (decimal)all[i].Length * all[i].Records;
            if (2 * reached >= total)
            {
                n50 = all[i].Length;
                break;
            }
        }
        return (all[0].Length, all[^1].Length, n50);
    }

    private List<(long Length, long Records)> Ascending()
    {
        var all = new List<(long, long)>();
        for (int i = 0; i < Direct; i++)
        {
            if (_short[i] > 0)
            {
                all.Add((i, _short[i]));
            }
        }
        var keys = new long[_long.Count];
        _long.Keys.CopyTo(keys, 0);
        Array.Sort(keys);
        foreach (long length in keys)
        {
            all.Add((length, _long[length]));
        }
        return all;
    }
}
