namespace GenoSeq.Data.Parquet;

/// <summary>DELTA_BINARY_PACKED integers (the Parquet format's encodings, number 5), decoded with every bound checked.</summary>
internal ref struct DeltaLengths(ReadOnlySpan<byte> bytes, int most)
{
    private const int GroupValues = 32;
    private const int MaxBlock = 1 << 20;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    /// <summary>The values as 32-bit integers, of which there may be no more than the page says.</summary>
    /// <exception cref="FormatException">The data is damaged.</exception>
    internal int[] Decode(out int used)
    {
        ulong block = Varint();
        ulong miniblocks = Varint();
        ulong count = Varint();
        long value = ZigZag();
        ThriftCompact.Require(miniblocks is > 0 and <= MaxBlock && block is > 0 and <= MaxBlock && block % miniblocks == 0 && count <= (ulong)most && value is >= int.MinValue and <= int.MaxValue);
        int perMiniblock = (int)(block / miniblocks);
        ThriftCompact.Require(perMiniblock > 0 && perMiniblock % GroupValues == 0);
        // A value costs a bit at least only if its width is not 0, so the count is bound by the page's own.
        int[] values = new int[(int)count];
        int done = 0;
        if (done < values.Length)
        {
            values[done++] = (int)value;
        }

        while (done < values.Length)
        {
            long least = ZigZag();
            ThriftCompact.Require((int)miniblocks <= _bytes.Length - _at);
            ReadOnlySpan<byte> widths = _bytes.Slice(_at, (int)miniblocks);
            _at += (int)miniblocks;
            for (int m = 0; m < widths.Length && done < values.Length; m++)
            {
                int width = widths[m];
                ThriftCompact.Require(width <= 64);
                int size = checked(width * (perMiniblock / 8));
                ThriftCompact.Require(size <= _bytes.Length - _at);
                ReadOnlySpan<byte> packed = _bytes.Slice(_at, size);
                _at += size;
                for (int i = 0; i < perMiniblock && done < values.Length; i++)
                {
                    value = unchecked(value + least + (long)Bits(packed, (long)i * width, width));
                    values[done++] = (int)value;
                    ThriftCompact.Require(value is >= int.MinValue and <= int.MaxValue);
                }
            }
        }

        used = _at;
        return values;
    }

    private static ulong Bits(ReadOnlySpan<byte> packed, long bit, int width)
    {
        ulong value = 0;
        int got = 0;
        while (got < width)
        {
            int at = (int)(bit >> 3), shift = (int)(bit & 7);
            int take = Math.Min(8 - shift, width - got);
            value |= (ulong)((packed[at] >> shift) & ((1 << take) - 1)) << got;
            got += take;
            bit += take;
        }

        return value;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            ThriftCompact.Require(_at < _bytes.Length);
            byte b = _bytes[_at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        throw new FormatException();
    }

    private long ZigZag()
    {
        ulong value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }
}
