using System.Buffers.Binary;

namespace GenoSeq.Data.Parquet;

/// <summary>A data page, decompressed: its levels, with the sizes before them where the page has such, and its values.</summary>
internal readonly ref struct ParquetPageBody
{
    private ParquetPageBody(ReadOnlySpan<byte> levels, ReadOnlySpan<byte> values)
    {
        Levels = levels;
        Values = values;
    }

    internal ReadOnlySpan<byte> Levels { get; }

    internal ReadOnlySpan<byte> Values { get; }

    /// <summary>Decompresses a page and parts it.</summary>
    /// <exception cref="FormatException">The page is damaged, or its codec unknown.</exception>
    internal static ParquetPageBody Of(PageHeader page, byte[] body, int codec, ParquetLeaf leaf)
    {
        if (page.Kind == PageHeader.DataPageV2)
        {
            // Levels come first and are never compressed.
            ThriftCompact.Require(page.DefinitionBytes >= 0 && page.RepetitionBytes >= 0);
            long levels = (long)page.DefinitionBytes + page.RepetitionBytes;
            ThriftCompact.Require(levels <= body.Length && levels <= page.UncompressedSize);
            ReadOnlySpan<byte> rest = body.AsSpan((int)levels);
            ReadOnlySpan<byte> values = page.IsCompressed && rest.Length > 0
                ? ParquetCodec.Inflate(body, (int)levels, page.UncompressedSize - (int)levels, codec)
                : rest;
            return new ParquetPageBody(body.AsSpan(0, (int)levels), values);
        }

        ReadOnlySpan<byte> all = ParquetCodec.Inflate(body, 0, page.UncompressedSize, codec);
        int at = 0;
        for (int i = 0; i < (leaf.MaxRepetition > 0 ? 1 : 0) + (leaf.MaxDefinition > 0 ? 1 : 0); i++)
        {
            ThriftCompact.Require(all.Length - at >= sizeof(uint));
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(all[at..]);
            ThriftCompact.Require(size <= all.Length - at - sizeof(uint));
            at += sizeof(uint) + (int)size;
        }

        return new ParquetPageBody(all[..at], all[at..]);
    }
}
