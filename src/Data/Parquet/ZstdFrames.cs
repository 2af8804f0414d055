using System.Buffers.Binary;

namespace GenoSeq.Data.Parquet;

/// <summary>The block structure of zstd frames (RFC 8878, section 3), as far as it bounds what they expand to.</summary>
internal static class ZstdFrames
{
    private const uint Magic = 0xFD2FB528;
    private const uint SkippableMagic = 0x184D2A50, SkippableMask = 0xFFFFFFF0;
    private const int MostInBlock = 128 << 10;
    private const int BlockHeader = 3;

    /// <summary>Most bytes that the frames can stand for; blocks hold 128 KiB at most. What cannot be walked adds nothing.</summary>
    internal static long MostFrom(ReadOnlySpan<byte> bytes)
    {
        long most = 0;
        while (bytes.Length > sizeof(uint))
        {
            uint magic = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            bytes = bytes[sizeof(uint)..];
            if ((magic & SkippableMask) == SkippableMagic)
            {
                if (bytes.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32LittleEndian(bytes) is uint skip && skip > bytes.Length - sizeof(uint))
                {
                    return most;
                }

                bytes = bytes[(sizeof(uint) + (int)BinaryPrimitives.ReadUInt32LittleEndian(bytes))..];
                continue;
            }

            if (magic != Magic)
            {
                return most;
            }

            byte descriptor = bytes[0];
            bool single = (descriptor & 0x20) != 0;
            int header = 1 + (single ? 0 : 1) + ((descriptor & 3) switch { 0 => 0, 1 => 1, 2 => 2, _ => 4 })
                + ((descriptor >> 6) switch { 0 => single ? 1 : 0, 1 => 2, 2 => 4, _ => 8 });
            if (header > bytes.Length)
            {
                return most;
            }

            bytes = bytes[header..];
            for (bool last = false; !last;)
            {
                if (bytes.Length < BlockHeader)
                {
                    return most;
                }

                int block = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
                last = (block & 1) != 0;
                int kind = (block >> 1) & 3, size = block >> 3;
                int stored = kind == 1 ? 1 : size;
                if (stored > bytes.Length - BlockHeader)
                {
                    return most;
                }

                most += kind == 2 ? MostInBlock : Math.Min(size, MostInBlock);
                bytes = bytes[(BlockHeader + stored)..];
            }

            int checksum = (descriptor & 4) != 0 ? sizeof(uint) : 0;
            bytes = bytes[Math.Min(checksum, bytes.Length)..];
        }

        return most;
    }
}
