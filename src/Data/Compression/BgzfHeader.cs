using System.Buffers.Binary;

namespace GenoSeq.Data;

/// <summary>The lengths in the header of a BGZF block (SAM specification, section 4.1).</summary>
/// <param name="HeaderLength">Bytes before the deflate data.</param>
/// <param name="BlockLength">Bytes of the whole block: the field BSIZE plus one.</param>
internal readonly record struct BgzfHeader(int HeaderLength, int BlockLength)
{
    /// <summary>The largest block, and the largest content of one.</summary>
    internal const int MaxLength = 1 << 16;

    /// <summary>Content of the blocks that bgzip writes: less than 64 KiB, so that stored data fits a block.</summary>
    internal const int WrittenContent = 0xFF00;

    /// <summary>Length of a header with no extra field but BGZF's.</summary>
    internal const int UsualLength = 18;

    /// <summary>The empty block that ends every complete BGZF file.</summary>
    internal static ReadOnlySpan<byte> EndOfFile =>
    [
        0x1F, 0x8B, 0x08, 0x04, 0, 0, 0, 0, 0, 0xFF, 6, 0, (byte)'B', (byte)'C', 2, 0, 0x1B, 0, 3, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ];

    internal int PayloadLength => BlockLength - HeaderLength - GzipFormat.TrailerLength;

    /// <summary>Whether the lengths leave room for deflate data and the trailer.</summary>
    internal bool IsPossible => PayloadLength >= 1;

    /// <summary>Reads a block's header.</summary>
    /// <param name="bytes">From the block's first byte on; must reach to the end of the extra field.</param>
    /// <param name="header">The lengths, unchecked.</param>
    /// <returns>False for anything else than a BGZF header.</returns>
    internal static bool TryParse(ReadOnlySpan<byte> bytes, out BgzfHeader header)
    {
        header = default;
        if (bytes.Length < 12 || bytes[0] != GzipFormat.Magic0 || bytes[1] != GzipFormat.Magic1 || bytes[2] != 8
            || bytes[3] != GzipFormat.FlagExtra)
        {
            return false;
        }
        int end = 12 + BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]);
        if (end > bytes.Length)
        {
            return false;
        }
        ReadOnlySpan<byte> fields = bytes[12..end];
        while (fields.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(fields[2..]);
            if (4 + length > fields.Length)
            {
                return false;
            }
            if (fields[0] == 'B' && fields[1] == 'C' && length == 2)
            {
                header = new BgzfHeader(end, BinaryPrimitives.ReadUInt16LittleEndian(fields[4..]) + 1);
                return true;
            }
            fields = fields[(4 + length)..];
        }
        return false;
    }
}
