namespace GenoSeq.Data;

/// <summary>How many records have which length: all that minimum, maximum and N50 need, whatever the number of reads.</summary>
/// <remarks>Plain arrays: every generic collection of longs would be compiled anew in each run of a command that takes milliseconds.</remarks>
internal sealed class LengthHistogram
{
    private const int Direct = 4096;

    private readonly long[] _short = new long[Direct];
    private long[] _lengths = new long[64];
    private long[] _records = new long[64];
    private int _count;

    internal long Records { get; private set; }

    internal void Add(long length, long records = 1)
    {
        Records += records;
        if (length < Direct)
        {
            _short[length] += records;
            return;
        }
        if (_count == _lengths.Length)
        {
            Compact();
            if (_count > _lengths.Length / 2)
            {
                Array.Resize(ref _lengths, 2 * _lengths.Length);
                Array.Resize(ref _records, _lengths.Length);
            }
        }
        _lengths[_count] = length;
        _records[_count++] = records;
    }

    internal void Add(LengthHistogram other)
    {
        for (int length = 0; length < Direct; length++)
        {
            _short[length] += other._short[length];
            Records += other._short[length];
        }
        for (int i = 0; i < other._count; i++)
        {
            Add(other._lengths[i], other._records[i]);
        }
    }

    /// <summary>Shortest and longest length, and the length at which, from the longest down, half of the bases are reached.</summary>
    internal (long Min, long Max, long N50) Summary()
    {
        Compact();
        if (Records == 0)
        {
            return default;
        }
        UInt128 total = 0;
        for (int i = _count - 1; i >= -Direct; i--)
        {
            total += Bases(i);
        }
        UInt128 reached = 0;
        long min = 0;
        long max = -1;
        long n50 = -1;
        for (int i = _count - 1; i >= -Direct; i--)
        {
            if (RecordsAt(i) == 0)
            {
                continue;
            }
            reached += Bases(i);
            min = LengthAt(i);
            max = max < 0 ? min : max;
            n50 = n50 < 0 && 2 * reached >= total ? min : n50;
        }
        return (min, max, n50);
    }

    // Places -Direct to -1 are the short lengths in order, those from 0 on the long ones.
    private long LengthAt(int place) => place < 0 ? place + Direct : _lengths[place];

    private long RecordsAt(int place) => place < 0 ? _short[place + Direct] : _records[place];

    private UInt128 Bases(int place) => (UInt128)(ulong)LengthAt(place) * (ulong)RecordsAt(place);

    /// <summary>Sorts the long lengths, each once.</summary>
    private void Compact()
    {
        Array.Sort(_lengths, _records, 0, _count);
        int kept = 0;
        for (int i = 0; i < _count; i++)
        {
            if (kept > 0 && _lengths[kept - 1] == _lengths[i])
            {
                _records[kept - 1] += _records[i];
            }
            else
            {
                _lengths[kept] = _lengths[i];
                _records[kept++] = _records[i];
            }
        }
        _count = kept;
    }
}
