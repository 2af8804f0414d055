using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data;

/// <summary>
/// Predicts that what followed an earlier occurrence of the last bases follows again; or, inverted, what preceded their reverse complement. How far it is
/// believed is learnt from how long the copy is and which of its last predictions were wrong. Substitutions do not end a copy, too many of them do.
/// </summary>
/// <param name="length">Bases that have to repeat.</param>
/// <param name="inverted">Copies the other strand.</param>
internal sealed class CopyExpert(int length, bool inverted)
{
    // A copy may have so many wrong among its last 16 predictions; one of at least so many right ones in a row is not given up for another.
    private const int MostWrong = 8, LongEnough = 16;
    private const int LengthClasses = 16;
    private const float Rate = 0.004f, Least = 0.05f, Most = 0.9998f;
    private const int Levels = 4096;
    private static readonly (float Hit, float Miss)[] s_logs = Logs();

    private readonly float[] _right = [.. Enumerable.Repeat(0.75f, LengthClasses * 16 * 4)];
    private long _at = -1;
    private int _run;
    private uint _wrong;
    private int _class;
    private int _predicted;

    /// <summary>Bases that have to repeat.</summary>
    internal int Length => length;

    /// <summary>Forgets the copy.</summary>
    internal void Break() => _at = -1;

    /// <summary>Writes log probabilities, less their mean, into a column of the inputs; zeros without a copy.</summary>
    /// <returns>0: no copy, or a doubtful one; else 1 to 3, the surer the more.</returns>
    internal int Predict(byte[] history, long count, Span<float> inputs, int column)
    {
        if (_at >= count || (_at >= 0 && history[_at] == BaseCode.None))
        {
            _at = -1;
        }
        if (_at < 0)
        {
            for (int b = 0; b < 4; b++)
            {
                inputs[(b * BaseMixer.Stride) + column] = 0;
            }
            return 0;
        }
        _predicted = inverted ? 3 - history[_at] : history[_at];
        _class = (((LengthClass() * 16) + Math.Min(15, BitOperations.PopCount(_wrong & 0xFFFF))) * 4) + (int)(_wrong & 3);
        float right = Math.Clamp(_right[_class], Least, Most);
        (float hit, float miss) = s_logs[(int)(right * Levels)];
        for (int b = 0; b < 4; b++)
        {
            inputs[(b * BaseMixer.Stride) + column] = b == _predicted ? hit : miss;
        }
        return right > 0.99f ? 3 : right > 0.9f ? 2 : right > 0.5f ? 1 : 0;
    }

    /// <summary>Goes on by one base.</summary>
    /// <param name="code">The base that came.</param>
    /// <param name="learn">Learn how far to believe.</param>
    internal void Advance(int code, bool learn)
    {
        if (_at < 0)
        {
            return;
        }
        bool hit = _predicted == code;
        if (learn)
        {
            _right[_class] += ((hit ? 1f : 0f) - _right[_class]) * Rate;
        }
        _wrong = (_wrong << 1) | (hit ? 0u : 1u);
        _run = hit ? _run + 1 : 0;
        _at += inverted ? -1 : 1;
        if (BitOperations.PopCount(_wrong & 0xFFFF) > MostWrong)
        {
            _at = -1;
        }
    }

    /// <summary>Looks for an earlier occurrence, unless a good copy goes on.</summary>
    /// <param name="word">The last bases, the newest in the lowest bits.</param>
    /// <param name="valid">How many of them there are, at most 32, at least <see cref="Length"/>.</param>
    /// <param name="history">Bases so far.</param>
    /// <param name="count">How many.</param>
    /// <param name="index">Ends of earlier words of this length.</param>
    internal void Seek(ulong word, int valid, byte[] history, long count, RepeatIndex index)
    {
        if (_at >= 0 && _run >= LongEnough)
        {
            return;
        }
        int end = inverted ? index.Find(RepeatIndex.ReverseComplement(word, length)) : index.Find(word);
        long next = end < 0 ? -1 : inverted ? end - length - 1L : end;
        if (next < 0 || next == _at)
        {
            return;
        }
        int same = 0;
        while (same < valid)
        {
            int mine = (int)(word >> (2 * same)) & 3;
            long at = inverted ? next + 1 + same : next - 1 - same;
            if (at < 0 || at >= count || history[at] != (inverted ? 3 - mine : mine))
            {
                break;
            }
            same++;
        }
        if (same >= length)
        {
            (_at, _run, _wrong) = (next, same, 0);
        }
    }

    private int LengthClass() => _run switch
    {
        < 16 => _run / 2,
        < 32 => 8 + ((_run - 16) / 8),
        < 64 => 10 + ((_run - 32) / 16),
        < 256 => 12,
        < 1024 => 13,
        _ => 14,
    };

    private static (float Hit, float Miss)[] Logs()
    {
        var logs = new (float, float)[Levels + 1];
        for (int i = 0; i <= Levels; i++)
        {
            double p = Math.Clamp((i + 0.5) / Levels, Least, Most), hit = Math.Log(p), miss = Math.Log((1 - p) / 3), mean = (hit + (3 * miss)) / 4;
            logs[i] = ((float)(hit - mean), (float)(miss - mean));
        }
        return logs;
    }
}

/// <summary>Where words of one length ended last, by hash with a check of 32 bits; whoever asks has to compare the bases.</summary>
internal sealed class RepeatIndex
{
    // The check above, the position and 1 below.
    private readonly ulong[] _ends;
    private readonly int _shift;

    /// <param name="length">Bases of a word, at most 32.</param>
    /// <param name="slots">Places, a power of two.</param>
    internal RepeatIndex(int length, long slots)
    {
        Length = length;
        _ends = new ulong[slots];
        _shift = 64 - BitOperations.Log2((ulong)slots);
    }

    /// <summary>Bases of a word.</summary>
    internal int Length { get; }

    /// <summary>Bytes of a place.</summary>
    internal const int PlaceBytes = 8;

    /// <summary>The position behind the last occurrence, or -1.</summary>
    internal int Find(ulong word)
    {
        ulong hash = Hash(word), found = _ends[hash >> _shift];
        return (found ^ (hash << 32)) >> 32 == 0 ? (int)(uint)found - 1 : -1;
    }

    /// <summary>A word ended before this position.</summary>
    internal void Add(ulong word, int end)
    {
        ulong hash = Hash(word);
        _ends[hash >> _shift] = (hash << 32) | (uint)(end + 1);
    }

    /// <summary>Begins to fetch a word's place.</summary>
    internal unsafe void Prefetch(ulong word)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref _ends[Hash(word) >> _shift]));
        }
    }

    /// <summary>The reverse complement of a word's last bases.</summary>
    internal static ulong ReverseComplement(ulong word, int length)
    {
        ulong r = ~word;
        r = ((r >> 2) & 0x3333_3333_3333_3333) | ((r & 0x3333_3333_3333_3333) << 2);
        r = ((r >> 4) & 0x0F0F_0F0F_0F0F_0F0F) | ((r & 0x0F0F_0F0F_0F0F_0F0F) << 4);
        return BinaryPrimitives.ReverseEndianness(r) >> (64 - (2 * length));
    }

    private ulong Hash(ulong word)
    {
        ulong h = (Length == 32 ? word : word & ((1UL << (2 * Length)) - 1)) * 0x9E37_79B9_7F4A_7C15;
        return (h ^ (h >> 31)) * 0xBF58_476D_1CE4_E5B9;
    }
}
