using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Data;

/// <summary>Scans whole four-line records of a FASTQ file with a classifier.</summary>
/// <remarks>
/// Wrapped records and everything else that four plain lines are not is left to <see cref="FastqReader"/>, which alone
/// decides what is right and words the errors.
/// </remarks>
internal static class FastqChunkScanner
{
    /// <summary>The bytes end before the record does.</summary>
    internal const int NeedsMore = -1;

    /// <summary>Not the plain four lines.</summary>
    internal const int Unusual = -2;

    /// <summary>Counts the record at <paramref name="pos"/>; returns the place after it, or a negative verdict.</summary>
    /// <param name="buffer">Bytes, with 64 readable beyond <paramref name="length"/>.</param>
    /// <param name="pos">Where a record should begin.</param>
    /// <param name="length">Bytes filled.</param>
    /// <param name="final">Whether the file ends there.</param>
    /// <param name="classifier">Of the instruction set.</param>
    /// <param name="tally">Gets the record's bases.</param>
    /// <param name="lengths">Gets the record's length.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int ScanRecord<T>(
        ReadOnlySpan<byte> buffer, int pos, int length, bool final, T classifier, ref BaseTally tally, LengthHistogram lengths)
        where T : struct, IBlockClassifier
    {
        ref byte b = ref MemoryMarshal.GetReference(buffer);
        if (Unsafe.Add(ref b, pos) != (byte)'@')
        {
            return Unusual;
        }
        int title = pos + 1;
        int next = Line(buffer, title, length, out int titleEnd);
        if (next < 0)
        {
            return next;
        }

        BaseTally read = default;
        pos = next;
        if (Unsafe.Add(ref b, pos) == (byte)'+')
        {
            // No sequence line: the record is empty, or '+' is among the letters; either way the reader decides.
            return Unusual;
        }
        while (true)
        {
            classifier.Classify(ref Unsafe.Add(ref b, pos), out BlockMasks masks);
            ulong line = masks.LineFeed == 0 ? ulong.MaxValue : masks.LineFeed ^ (masks.LineFeed - 1);
            int rest = length - pos;
            line = rest >= 64 ? line : line & ((1UL << rest) - 1);
            read.Add(masks, line);
            ulong odd = line & ~(masks.Sequence | masks.LineFeed);
            if (odd != 0 && (odd != (line & (masks.LineFeed >> 1) & masks.CarriageReturn)))
            {
                // A CR whose LF is in the next block ends the line as well.
                if (odd != 1UL << 63 || (masks.CarriageReturn >> 63) == 0 || pos + 64 >= length || buffer[pos + 64] != (byte)'\n')
                {
                    return rest <= 64 && !final ? NeedsMore : Unusual;
                }
            }
            if ((line & masks.LineFeed) != 0)
            {
                pos += BitOperations.TrailingZeroCount(masks.LineFeed) + 1;
                break;
            }
            pos += 64;
            if (pos >= length)
            {
                return final ? Unusual : NeedsMore;
            }
        }

        if (pos >= length)
        {
            return final ? Unusual : NeedsMore;
        }
        if (Unsafe.Add(ref b, pos) != (byte)'+')
        {
            return Unusual;
        }
        int plus = pos + 1;
        next = Line(buffer, plus, length, out int plusEnd);
        if (next < 0)
        {
            return final ? Unusual : next;
        }
        if (plusEnd > plus && !buffer[plus..plusEnd].SequenceEqual(buffer[title..titleEnd]))
        {
            return Unusual;
        }

        pos = next;
        long end = pos + read.Bases;
        if (end > length || (end == length && !final))
        {
            return final ? Unusual : NeedsMore;
        }
        int stop = (int)end;
        ulong bad = 0;
        for (; pos + 64 <= stop; pos += 64)
        {
            bad |= classifier.NoQuality(ref Unsafe.Add(ref b, pos));
        }
        if (pos < stop)
        {
            bad |= classifier.NoQuality(ref Unsafe.Add(ref b, pos)) & ((1UL << (stop - pos)) - 1);
        }
        if (bad != 0)
        {
            return Unusual;
        }
        if (stop < length)
        {
            if (buffer[stop] == (byte)'\r')
            {
                stop++;
            }
            if (stop == length)
            {
                return final ? Unusual : NeedsMore;
            }
            if (buffer[stop] != (byte)'\n')
            {
                return Unusual;
            }
            stop++;
        }
        tally.Add(read);
        lengths.Add(read.Bases);
        return stop;
    }

    /// <summary>
    /// The first place from <paramref name="from"/> on where two four-line records seem to begin, or -1: a guess, which the
    /// end of the piece before must confirm.
    /// </summary>
    internal static int GuessRecord(ReadOnlySpan<byte> buffer, int from)
    {
        int at = from;
        if (at > 0 && buffer[at - 1] != (byte)'\n')
        {
            at = After(buffer, at);
        }
        for (int tries = 0; tries < 4 && at >= 0 && at < buffer.Length; tries++)
        {
            int second = Check(buffer, at);
            if (second == buffer.Length || (second >= 0 && Check(buffer, second) >= 0))
            {
                return at;
            }
            at = After(buffer, at);
        }
        return -1;
    }

    private static int Check(ReadOnlySpan<byte> buffer, int at)
    {
        if (at < 0 || at >= buffer.Length || buffer[at] != (byte)'@')
        {
            return -1;
        }
        int sequence = After(buffer, at);
        int plus = sequence < 0 ? -1 : After(buffer, sequence);
        if (plus < 0 || plus >= buffer.Length || buffer[plus] != (byte)'+')
        {
            return -1;
        }
        int quality = After(buffer, plus);
        int end = quality < 0 ? -1 : After(buffer, quality);
        return end >= 0 && end - quality == plus - sequence ? end : -1;
    }

    private static int After(ReadOnlySpan<byte> buffer, int from)
    {
        int found = buffer[from..].IndexOf((byte)'\n');
        return found < 0 ? -1 : from + found + 1;
    }

    /// <summary>The place after the line's end; a CR that is not part of it is unusual.</summary>
    private static int Line(ReadOnlySpan<byte> buffer, int from, int length, out int textEnd)
    {
        textEnd = from;
        int found = buffer[from..length].IndexOfAny((byte)'\n', (byte)'\r');
        if (found < 0 || (buffer[from + found] == (byte)'\r' && from + found + 1 == length))
        {
            return NeedsMore;
        }
        textEnd = from + found;
        if (buffer[textEnd] == (byte)'\n')
        {
            return textEnd + 1;
        }
        return buffer[textEnd + 1] == (byte)'\n' ? textEnd + 2 : Unusual;
    }
}
