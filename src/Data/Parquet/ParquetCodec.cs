using System.IO.Compression;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Parquet;

/// <summary>The format's codecs, undone in managed code as far as its checks need it.</summary>
internal static class ParquetCodec
{
    internal const int Uncompressed = 0, Snappy = 1, Gzip = 2, Brotli = 4, Lz4 = 5, Zstd = 6, Lz4Raw = 7;

    // Sizes up to here are believed: no real codec on real columns gets far beyond, and a lie gains little.
    private const long BelievedRatio = 16;
    private const long BelievedBytes = 1 << 20;

    private const int CopyBytes = 1 << 16;

    /// <summary>True if <see cref="Inflate"/> knows the codec.</summary>
    internal static bool IsKnown(int codec) =>
        codec is Uncompressed or Snappy or Gzip or Brotli or Lz4 or Lz4Raw || (codec == Zstd && DuckDbApi.Instance.HasZstd);

    /// <summary>True if a page's claim to expand to <paramref name="size"/> bytes needs no look at its bytes.</summary>
    internal static bool IsBelievable(long compressed, long size) => size <= BelievedBytes + (BelievedRatio * compressed);

    /// <summary>True if the bytes do expand as far as they claim; nothing is kept of them.</summary>
    internal static bool ReallyExpands(byte[] body, int offset, long size, int codec)
    {
        ReadOnlySpan<byte> bytes = body.AsSpan(offset);
        switch (codec)
        {
            case Snappy:
                return size <= SnappyBlock.MostFrom(bytes.Length);
            case Lz4 or Lz4Raw:
                return size <= Lz4Block.MostFrom(bytes.Length);
            case Gzip or Brotli:
                try
                {
                    return Count(body, offset, size, codec) == size;
                }
                catch (InvalidDataException)
                {
                    return false;
                }

            case Zstd:
                return size <= ZstdFrames.MostFrom(bytes);
            default:
                return false;
        }
    }

    /// <summary>Decompresses; the result has exactly <paramref name="size"/> bytes.</summary>
    /// <exception cref="FormatException">The bytes are damaged, or the codec is not known.</exception>
    internal static ReadOnlySpan<byte> Inflate(byte[] body, int offset, int size, int codec)
    {
        ReadOnlySpan<byte> bytes = body.AsSpan(offset);
        ThriftCompact.Require(size >= 0);
        switch (codec)
        {
            case Uncompressed:
                ThriftCompact.Require(bytes.Length == size);
                return bytes;
            case Snappy:
                ThriftCompact.Require(size <= SnappyBlock.MostFrom(bytes.Length));
                return SnappyBlock.Decode(bytes, size);
            case Lz4:
                return Lz4Block.DecodeEither(bytes, size);
            case Lz4Raw:
                return Lz4Block.Decode(bytes, size);
            case Zstd:
                ThriftCompact.Require(size > 0 && DuckDbApi.Instance.HasZstd && size <= ZstdFrames.MostFrom(bytes));
                byte[] unpacked = new byte[size];
                ThriftCompact.Require(DuckDbApi.Instance.UnpackZstd(bytes, unpacked));
                return unpacked;
            case Gzip or Brotli:
                return Expand(body, offset, size, codec);
            default:
                throw new FormatException();
        }
    }

    private static ReadOnlySpan<byte> Expand(byte[] body, int offset, int size, int codec)
    {
        try
        {
            using Stream inflated = Open(body, offset, codec);
            // Grown as bytes come: the size is only what the page says.
            using var target = new MemoryStream((int)Math.Min(size, BelievedBytes));
            byte[] buffer = new byte[CopyBytes];
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

    private static long Count(byte[] body, int offset, long most, int codec)
    {
        using Stream inflated = Open(body, offset, codec);
        byte[] buffer = new byte[CopyBytes];
        long total = 0;
        for (int n; total <= most && (n = inflated.Read(buffer)) > 0;)
        {
            total += n;
        }

        return total;
    }

    private static Stream Open(byte[] body, int offset, int codec)
    {
        var source = new MemoryStream(body, offset, body.Length - offset, writable: false);
        return codec == Gzip ? new GZipStream(source, CompressionMode.Decompress) : new BrotliStream(source, CompressionMode.Decompress);
    }
}
