using System.Buffers.Binary;

namespace GenoSeq.Data.Parquet;

/// <summary>The LZ4 block format (lz4/lz4, lz4_Block_format.md), decoded with every bound checked, and Hadoop's framing of it.</summary>
internal static class Lz4Block
{
    private const int FrameHeader = 8;
    private const int LeastMatch = 4;
    private const int LongLength = 15;

    /// <summary>Most bytes that a block of so many can stand for: a byte of a long length adds 255.</summary>
    internal static long MostFrom(long compressed) => (255 * compressed) + 64;

    /// <summary>Decodes one block that must give exactly <paramref name="size"/> bytes.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    internal static byte[] Decode(ReadOnlySpan<byte> source, int size)
    {
        ThriftCompact.Require(size >= 0 && size <= MostFrom(source.Length));
        byte[] target = new byte[size];
        ThriftCompact.Require(TryDecode(source, target));
        return target;
    }

    /// <summary>
    /// Decodes what Parquet calls LZ4: blocks behind two big-endian sizes (decoded, encoded), as Hadoop writes them, or one
    /// bare block, as other writers did.
    /// </summary>
    /// <exception cref="FormatException">It is neither.</exception>
    internal static byte[] DecodeEither(ReadOnlySpan<byte> source, int size)
    {
        ThriftCompact.Require(size >= 0 && size <= MostFrom(source.Length));
        byte[] target = new byte[size];
        ThriftCompact.Require(TryFrames(source, target) || TryDecode(source, target));
        return target;
    }

    private static bool TryFrames(ReadOnlySpan<byte> source, Span<byte> target)
    {
        while (source.Length >= FrameHeader)
        {
            uint decoded = BinaryPrimitives.ReadUInt32BigEndian(source);
            uint encoded = BinaryPrimitives.ReadUInt32BigEndian(source[sizeof(uint)..]);
            source = source[FrameHeader..];
            if (decoded > target.Length || encoded > source.Length || !TryDecode(source[..(int)encoded], target[..(int)decoded]))
            {
                return false;
            }

            source = source[(int)encoded..];
            target = target[(int)decoded..];
        }

        return source.IsEmpty && target.IsEmpty;
    }

    private static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> target)
    {
        int at = 0, done = 0;
        while (at < source.Length)
        {
            byte token = source[at++];
            if (!TryLength(source, ref at, token >> 4, out int literals) || literals > source.Length - at || literals > target.Length - done)
            {
                return false;
            }

            source.Slice(at, literals).CopyTo(target[done..]);
            at += literals;
            done += literals;
            if (at == source.Length)
            {
                // The last sequence is literals only.
                break;
            }

            if (source.Length - at < sizeof(ushort))
            {
                return false;
            }

            int offset = BinaryPrimitives.ReadUInt16LittleEndian(source[at..]);
            at += sizeof(ushort);
            if (!TryLength(source, ref at, token & LongLength, out int match) || offset == 0 || offset > done || match > target.Length - done - LeastMatch)
            {
                return false;
            }

            match += LeastMatch;
            // The copy may read what it writes, byte after byte.
            for (int i = 0; i < match; i++, done++)
            {
                target[done] = target[done - offset];
            }
        }

        return done == target.Length;
    }

    private static bool TryLength(ReadOnlySpan<byte> source, ref int at, int nibble, out int length)
    {
        length = nibble;
        if (nibble < LongLength)
        {
            return true;
        }

        byte more;
        do
        {
            if (at == source.Length || length > int.MaxValue - 512)
            {
                return false;
            }

            more = source[at++];
            length += more;
        }
        while (more == byte.MaxValue);
        return true;
    }
}
