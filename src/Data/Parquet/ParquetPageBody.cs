using System.Buffers.Binary;
using System.IO.Compression;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Parquet;

/// <summary>The values of a data page, after its levels, decompressed.</summary>
internal static class ParquetPageBody
{
    private const int Uncompressed = 0, Snappy = 1, Gzip = 2, Brotli = 4, Zstd = 6;

    // No writer makes pages near this; a header that says so is not worth the memory.
    private const int MaxPage = 256 << 20;

    /// <summary>The bytes of the values; <paramref name="known"/> is false if the page's codec cannot be undone here.</summary>
    /// <exception cref="FormatException">The page is damaged.</exception>
    internal static ReadOnlySpan<byte> ValuesOf(PageHeader page, byte[] body, int codec, int maxDefinition, int maxRepetition, out bool known)
    {
        known = true;
        if (page.Kind == PageHeader.DataPageV2)
        {
            // Levels come first and are never compressed.
            ThriftCompact.Require(page.DefinitionBytes >= 0 && page.RepetitionBytes >= 0);
            long levels = (long)page.DefinitionBytes + page.RepetitionBytes;
            ThriftCompact.Require(levels <= body.Length && levels <= page.UncompressedSize);
            ReadOnlySpan<byte> rest = body.AsSpan((int)levels);
            return page.IsCompressed && rest.Length > 0 ? Inflate(rest, page.UncompressedSize - (int)levels, codec, out known) : rest;
        }

        ReadOnlySpan<byte> all = Inflate(body, page.UncompressedSize, codec, out known);
        for (int i = 0; known && i < (maxRepetition > 0 ? 1 : 0) + (maxDefinition > 0 ? 1 : 0); i++)
        {
            ThriftCompact.Require(all.Length >= sizeof(uint));
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(all);
            ThriftCompact.Require(size <= all.Length - sizeof(uint));
            all = all[(sizeof(uint) + (int)size)..];
        }

        return all;
    }

    private static ReadOnlySpan<byte> Inflate(ReadOnlySpan<byte> body, int size, int codec, out bool known)
    {
        known = (codec is Uncompressed or Snappy or Gzip or Brotli || (codec == Zstd && DuckDbApi.Instance.HasZstd)) && size >= 0 && size <= MaxPage;
        if (codec == Uncompressed || !known)
        {
            return body;
        }

        if (codec == Zstd)
        {
            byte[] unpacked = new byte[size];
            ThriftCompact.Require(size > 0 && DuckDbApi.Instance.UnpackZstd(body, unpacked));
            return unpacked;
        }

        if (codec == Snappy)
        {
            // A copy of 64 bytes takes 3.
            ThriftCompact.Require(size <= 64L * body.Length);
            return SnappyBlock.Decode(body, size);
        }

        try
        {
            using var source = new MemoryStream(body.ToArray());
            using Stream inflated = codec == Gzip ? new GZipStream(source, CompressionMode.Decompress) : new BrotliStream(source, CompressionMode.Decompress);
            // Grown as bytes come: the size is only what the page says.
            using var target = new MemoryStream();
            byte[] buffer = new byte[1 << 16];
            for (int n; target.Length <= size && (n = inflated.Read(buffer)) > 0;)
            {
                target.Write(buffer, 0, n);
            }

            ThriftCompact.Require(target.Length == size);
            return target.GetBuffer().AsSpan(0, size);
        }
        catch (InvalidDataException)
        {
            throw new FormatException();
        }
    }
}
