using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Data;

/// <summary>Scans one piece of a FASTA file with a classifier.</summary>
/// <remarks>
/// Usual text only: LF or CRLF line ends, headers, sequence characters, blank lines. Whatever else is met (comments, white
/// space, lone CR, bad bytes) marks the piece as unusual, and the file is then read by <see cref="FastaReader"/>, which
/// alone decides what is right and words the errors.
/// </remarks>
internal static class FastaChunkScanner
{
    /// <summary>Bytes that must be readable beyond a piece's end.</summary>
    internal const int Slack = 64;

    /// <param name="buffer">The piece, after one byte of what precedes it if <paramref name="start"/> is 1, with slack.</param>
    /// <param name="start">0 at the beginning of the file, else 1.</param>
    /// <param name="length">Bytes of buffer that are filled.</param>
    /// <param name="classifier">Of the instruction set.</param>
    /// <param name="closed">Takes the lengths of records that begin and end in the piece.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static FastaChunk Scan<T>(ReadOnlySpan<byte> buffer, int start, int length, T classifier, LengthHistogram closed)
        where T : struct, IBlockClassifier
    {
        FastaChunk chunk = default;
        ref byte b = ref MemoryMarshal.GetReference(buffer);
        int pos = start;
        if (start > 0 && length > start)
        {
            chunk.StartsWithLineFeed = buffer[start] == (byte)'\n';
            if (buffer[0] != (byte)'\n')
            {
                pos = ScanPrefix(buffer, start, length, classifier, ref chunk);
                if (chunk.Unusual || chunk.PrefixOpen)
                {
                    return chunk;
                }
            }
        }

        BaseTally tally = default;
        long atHeader = 0;
        while (pos < length)
        {
            ref byte at = ref Unsafe.Add(ref b, pos);
            classifier.Classify(ref at, out BlockMasks masks);
            int rest = length - pos;
            ulong valid = rest >= 64 ? ulong.MaxValue : (1UL << rest) - 1;
            ulong odd = valid & ~(masks.Sequence | masks.LineFeed);
            if (odd == 0)
            {
                tally.Add(masks, valid);
                pos += 64;
                continue;
            }

            ulong other = odd & ~masks.CarriageReturn;
            int first = BitOperations.TrailingZeroCount(other);
            ulong before = other == 0 ? valid : (1UL << first) - 1;
            ulong returns = masks.CarriageReturn & before;
            ulong lone = returns & ~(masks.LineFeed >> 1);
            if (lone != 0)
            {
                // Only the last byte looked at may still find its LF beyond.
                int last = BitOperations.TrailingZeroCount(lone);
                int next = pos + last + 1;
                bool paired = next < length && buffer[next] == (byte)'\n';
                chunk.EndsWithCarriageReturn = next == length;
                if ((lone & (lone - 1)) != 0 || !(paired || chunk.EndsWithCarriageReturn))
                {
                    chunk.Unusual = true;
                    return chunk;
                }
            }
            tally.Add(masks, before);
            if (other == 0)
            {
                pos += 64;
                continue;
            }

            pos += first;
            if (buffer[pos] != (byte)'>' || (pos > 0 && buffer[pos - 1] != (byte)'\n'))
            {
                chunk.Unusual = true;
                return chunk;
            }
            if (chunk.HasHeader)
            {
                closed.Add(tally.Bases - atHeader);
            }
            else
            {
                chunk.Leading = tally.Bases;
                chunk.HasHeader = true;
            }
            atHeader = tally.Bases;
            int end = LineEnd(buffer, pos + 1, length, ref chunk);
            if (chunk.Unusual)
            {
                return chunk;
            }
            chunk.EndsInHeader = end > length;
            pos = end;
        }

        if (chunk.HasHeader)
        {
            chunk.Trailing = tally.Bases - atHeader;
        }
        else
        {
            chunk.Leading = tally.Bases;
        }
        chunk.Body = tally;
        return chunk;
    }

    private static int ScanPrefix<T>(ReadOnlySpan<byte> buffer, int start, int length, T classifier, ref FastaChunk chunk)
        where T : struct, IBlockClassifier
    {
        chunk.HasPrefix = true;
        int end = LineEnd(buffer, start, length, ref chunk);
        if (chunk.Unusual)
        {
            return end;
        }
        chunk.PrefixOpen = end > length;
        int stop = Math.Min(end, length);
        for (int pos = start; pos < stop; pos += 64)
        {
            classifier.Classify(ref Unsafe.AsRef(in buffer[pos]), out BlockMasks masks);
            int rest = stop - pos;
            ulong valid = rest >= 64 ? ulong.MaxValue : (1UL << rest) - 1;
            chunk.Prefix.Add(masks, valid);
            chunk.PrefixForeign |= (valid & ~(masks.Sequence | masks.LineFeed | masks.CarriageReturn)) != 0;
        }
        return end;
    }

    /// <summary>The place after the line end, or length + 1 where the line goes on beyond.</summary>
    private static int LineEnd(ReadOnlySpan<byte> buffer, int from, int length, ref FastaChunk chunk)
    {
        int found = buffer[from..length].IndexOfAny((byte)'\n', (byte)'\r');
        if (found < 0)
        {
            return length + 1;
        }
        int at = from + found;
        if (buffer[at] == (byte)'\n')
        {
            return at + 1;
        }
        if (at + 1 == length)
        {
            chunk.EndsWithCarriageReturn = true;
            return length + 1;
        }
        chunk.Unusual |= buffer[at + 1] != (byte)'\n';
        return at + 2;
    }
}
