using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data;

/// <summary>
/// How often each base followed each context of one length. Short contexts have a place each and counts up to 4,095; longer ones counts up to 63, in a
/// place each where the table has as many, else in buckets of four places found by a hash, eight bits of which tell contexts apart. Counts are
/// halved when one is full. In a full bucket the context seen least gives way.
/// </summary>
internal sealed class ContextCounts
{
    /// <summary>Classes of <see cref="Predict"/>.</summary>
    internal const int Classes = 32;

    private const int WideOrder = 10;

    // Shorter ones are in a cache anyway.
    private const int NearOrder = 8;
    private const int WideLimit = 4095, NarrowLimit = 63;
    private const int Bucket = 4;
    private const uint Sixes = 0x00FF_FFFF, Halves = 0x007D_F7DF;

    // log(n + a): a = 1 where counts are many, 1/16 where a context has mostly been followed by one base.
    private static readonly float[] s_wideLog = Logs(WideLimit, 1), s_narrowLog = Logs(NarrowLimit, 1.0 / 16);

    private readonly ushort[] _wide = [];
    private readonly uint[] _narrow = [];
    private readonly ulong _mask;
    private readonly bool _hashed;
    private int _slot;

    /// <param name="order">Bases of context.</param>
    /// <param name="slots">Places of a table that is hashed, a power of two.</param>
    internal ContextCounts(int order, long slots)
    {
        Order = order;
        _mask = (1UL << (2 * order)) - 1;
        if (order <= WideOrder)
        {
            _wide = new ushort[4L << (2 * order)];
            return;
        }
        _hashed = 1L << (2 * order) > slots;
        _narrow = new uint[_hashed ? slots : 1L << (2 * order)];
    }

    /// <summary>Bases of context.</summary>
    internal int Order { get; }

    /// <summary>Bytes of a table of this order that is not hashed.</summary>
    internal static long DirectBytes(int order) => order <= WideOrder ? 8L << (2 * order) : 4L << (2 * order);

    /// <summary>Whether a table of this order is one that may be hashed.</summary>
    internal static bool MayHash(int order) => order > WideOrder;

    /// <summary>Writes log counts, less their mean, into a column of the inputs, and remembers the context's place for <see cref="Learn"/>.</summary>
    /// <param name="word">The bases before, the last one in the lowest bits.</param>
    /// <param name="inputs">[4][<see cref="BaseMixer.Stride"/>].</param>
    /// <param name="column">Which.</param>
    /// <returns>A class of how much is known, by the number of counts and whether all are of one base; -1: nothing, and zeros are written.</returns>
    internal int Predict(ulong word, Span<float> inputs, int column)
    {
        ulong context = word & _mask;
        float a, c, g, t;
        int known;
        if (_wide.Length > 0)
        {
            ReadOnlySpan<ushort> counts = _wide.AsSpan((int)context * 4, 4);
            int total = counts[0] + counts[1] + counts[2] + counts[3];
            known = total == 0 ? -1 : Math.Min(15, BitOperations.Log2((uint)total));
            (a, c, g, t) = (s_wideLog[counts[0]], s_wideLog[counts[1]], s_wideLog[counts[2]], s_wideLog[counts[3]]);
        }
        else
        {
            _slot = Find(context);
            uint counts = _slot < 0 ? 0 : _narrow[_slot];
            uint na = counts & 63, nc = (counts >> 6) & 63, ng = (counts >> 12) & 63, nt = (counts >> 18) & 63, total = na + nc + ng + nt;
            bool one = na == total || nc == total || ng == total || nt == total;
            known = total == 0 ? -1 : Math.Min(15, BitOperations.Log2(total)) + (one ? 16 : 0);
            (a, c, g, t) = (s_narrowLog[na], s_narrowLog[nc], s_narrowLog[ng], s_narrowLog[nt]);
        }
        float mean = (a + c + g + t) * 0.25f;
        inputs[column] = a - mean;
        inputs[BaseMixer.Stride + column] = c - mean;
        inputs[(2 * BaseMixer.Stride) + column] = g - mean;
        inputs[(3 * BaseMixer.Stride) + column] = t - mean;
        return known;
    }

    /// <summary>Begins to fetch a context's counts: those of long contexts lie anywhere in memory, and waiting for them is most of the work.</summary>
    internal unsafe void Prefetch(ulong word)
    {
        if (!Sse.IsSupported || Order < NearOrder)
        {
            return;
        }
        ulong context = word & _mask;
        if (_wide.Length > 0)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref _wide[(int)context * 4]));
        }
        else
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref _narrow[_hashed ? Place(context).First : (int)context]));
        }
    }

    /// <summary>Counts a base behind the context that was predicted last.</summary>
    internal void Learn(ulong word, int code)
    {
        if (_wide.Length > 0)
        {
            AddWide(word & _mask, code);
        }
        else
        {
            AddNarrow(_slot >= 0 ? _slot : Make(word & _mask), code);
        }
    }

    /// <summary>Counts a base behind any context.</summary>
    internal void Add(ulong word, int code)
    {
        ulong context = word & _mask;
        if (_wide.Length > 0)
        {
            AddWide(context, code);
            return;
        }
        int slot = Find(context);
        AddNarrow(slot >= 0 ? slot : Make(context), code);
    }

    private void AddWide(ulong context, int code)
    {
        Span<ushort> counts = _wide.AsSpan((int)context * 4, 4);
        if (counts[code] == WideLimit)
        {
            for (int i = 0; i < 4; i++)
            {
                counts[i] >>= 1;
            }
        }
        counts[code]++;
    }

    private void AddNarrow(int slot, int code)
    {
        uint counts = _narrow[slot];
        if (((counts >> (6 * code)) & 63) == NarrowLimit)
        {
            counts = (counts & ~Sixes) | ((counts >> 1) & Halves);
        }
        _narrow[slot] = counts + (1u << (6 * code));
    }

    private int Find(ulong context)
    {
        if (!_hashed)
        {
            return (int)context;
        }
        (int first, uint check) = Place(context);
        ReadOnlySpan<uint> bucket = _narrow.AsSpan(first, Bucket);
        for (int i = 0; i < bucket.Length; i++)
        {
            if (bucket[i] >> 24 == check)
            {
                return first + i;
            }
        }
        return -1;
    }

    // The place of the context in its bucket that has been seen least, now empty.
    private int Make(ulong context)
    {
        (int first, uint check) = Place(context);
        int least = 0;
        uint fewest = uint.MaxValue;
        for (int i = 0; i < Bucket; i++)
        {
            uint counts = _narrow[first + i];
            uint total = (counts & 63) + ((counts >> 6) & 63) + ((counts >> 12) & 63) + ((counts >> 18) & 63);
            if (total < fewest)
            {
                (least, fewest) = (i, total);
            }
        }
        _narrow[first + least] = check << 24;
        return first + least;
    }

    private (int First, uint Check) Place(ulong context)
    {
        ulong h = (context + 1) * 0x9E37_79B9_7F4A_7C15;
        h = (h ^ (h >> 29)) * 0xBF58_476D_1CE4_E5B9;
        // Check 0 is that of an empty place.
        return ((int)((h >> 24) & (ulong)(_narrow.Length - Bucket)), Math.Max(1, (uint)(h >> 16) & 255));
    }

    private static float[] Logs(int limit, double more)
    {
        var logs = new float[limit + 1];
        for (int n = 0; n <= limit; n++)
        {
            logs[n] = (float)Math.Log(n + more);
        }
        return logs;
    }
}
