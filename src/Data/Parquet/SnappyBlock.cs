namespace GenoSeq.Data.Parquet;

/// <summary>The Snappy block format (google/snappy, format_description.txt), decoded with every bound checked.</summary>
internal static class SnappyBlock
{
    /// <summary>Most bytes that a block of so many can stand for: a copy of 64 bytes takes 3.</summary>
    internal static long MostFrom(long compressed) => (64 * compressed / 3) + 64;

    /// <summary>Decodes a block that must give exactly <paramref name="size"/> bytes.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    internal static byte[] Decode(ReadOnlySpan<byte> source, int size)
    {
        int at = 0;
        uint length = 0;
        for (int shift = 0; ; shift += 7)
        {
            ThriftCompact.Require(at < source.Length && shift < 35);
            byte b = source[at++];
            length |= (uint)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                break;
            }
        }

        ThriftCompact.Require(length == (uint)size);
        byte[] target = new byte[size];
        int done = 0;
        while (at < source.Length)
        {
            byte tag = source[at++];
            int offsetBytes = (tag & 3) switch { 0 => 0, 1 => 1, 2 => 2, _ => 4 };
            int count = (tag & 3) == 1 ? 4 + ((tag >> 2) & 7) : (tag >> 2) + 1;
            if (offsetBytes == 0)
            {
                // 61 to 64 say that the length less one follows in 1 to 4 bytes.
                if (count > 60)
                {
                    count = checked((int)Math.Min(Little(source, ref at, count - 60), int.MaxValue - 1)) + 1;
                }

                ThriftCompact.Require(count <= source.Length - at && count <= size - done);
                source.Slice(at, count).CopyTo(target.AsSpan(done));
                at += count;
                done += count;
                continue;
            }

            long offset = Little(source, ref at, offsetBytes) | (offsetBytes == 1 ? (long)(tag >> 5) << 8 : 0);
            ThriftCompact.Require(offset > 0 && offset <= done && count <= size - done);
            for (int i = 0; i < count; i++, done++)
            {
                target[done] = target[done - (int)offset];
            }
        }

        ThriftCompact.Require(done == size);
        return target;
    }

    private static long Little(ReadOnlySpan<byte> source, ref int at, int bytes)
    {
        ThriftCompact.Require(bytes <= source.Length - at);
        long value = 0;
        for (int i = 0; i < bytes; i++)
        {
            value |= (long)source[at++] << (8 * i);
        }

        return value;
    }
}
