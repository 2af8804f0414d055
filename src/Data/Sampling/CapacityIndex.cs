using System.Numerics;

namespace GenoSeq.Data;

/// <summary>A set of numbers from 0 to a limit that finds its least member of at least n: words of 64 bits in levels.</summary>
internal sealed class CapacityIndex
{
    private readonly ulong[][] _levels;

    internal CapacityIndex(int limit)
    {
        var levels = new List<ulong[]>();
        long size = limit + 1L;
        do
        {
            size = (size + 63) / 64;
            levels.Add(new ulong[size]);
        }
        while (size > 1);
        _levels = [.. levels];
    }

    internal void Add(int value)
    {
        foreach (ulong[] level in _levels)
        {
            level[value >> 6] |= 1UL << value;
            value >>= 6;
        }
    }

    internal void Remove(int value)
    {
        foreach (ulong[] level in _levels)
        {
            level[value >> 6] &= ~(1UL << value);
            if (level[value >> 6] != 0)
            {
                return;
            }
            value >>= 6;
        }
    }

    /// <summary>The least member of at least <paramref name="value"/>, or -1.</summary>
    internal int AtLeast(int value)
    {
        for (int depth = 0; depth < _levels.Length; depth++)
        {
            if (value >> 6 >= _levels[depth].Length)
            {
                return -1;
            }
            ulong rest = _levels[depth][value >> 6] >> value << value;
            if (rest != 0)
            {
                int found = (value & ~63) | BitOperations.TrailingZeroCount(rest);
                while (depth > 0)
                {
                    depth--;
                    found = (found << 6) | BitOperations.TrailingZeroCount(_levels[depth][found]);
                }
                return found;
            }
            value = (value >> 6) + 1;
        }
        return -1;
    }
}
