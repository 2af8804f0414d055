using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data.Parquet;

/// <summary>
/// Writes chunks that the native decoder does not know anew, without compression and with split bytes put together: the
/// codec LZ4, and BYTE_STREAM_SPLIT of other types than floating point.
/// </summary>
/// <remarks>
/// The copy is the file itself without its footer, then the new chunks, then the footer with other numbers in their
/// places. Nothing of compact Thrift depends on the length of a number, so all else is kept as it is. One page is in
/// memory at a time.
/// </remarks>
internal static class ParquetTranscoder
{
    private const int ByteStreamSplit = 9, Plain = 0;
    private const int Int32 = 1, Int64 = 2;

    /// <summary>True if any of the file's chunks may have to be written anew, by the footer's word.</summary>
    internal static bool MayBeNeeded(ParquetFooter footer) =>
        footer.RowGroups.Exists(g => g.Chunks.Exists(c => c.Codec == ParquetCodec.Lz4 || c.Encodings.Contains(ByteStreamSplit)));

    /// <summary>True for a data page whose values are split into streams of bytes in a way that the native decoder does not know.</summary>
    internal static bool IsSplit(PageHeader page, ParquetLeaf leaf) => page.Encoding == ByteStreamSplit && WidthOf(leaf) > 0;

    /// <summary>Writes the copy.</summary>
    /// <exception cref="InputDataException">A page is damaged.</exception>
    internal static void Copy(
        string path, string target, ParquetFooter footer, IReadOnlyList<(ParquetRowGroup Group, ParquetChunk Chunk, ParquetLeaf Leaf)> chunks)
    {
        const int TailBytes = 8;
        string column = "";
        try
        {
            File.Copy(path, target);
            using SafeFileHandle source = File.OpenHandle(path);
            using var output = new FileStream(target, FileMode.Open, FileAccess.Write, FileShare.None);
            output.SetLength(output.Length - TailBytes - footer.Bytes.Length);
            output.Seek(0, SeekOrigin.End);
            var edits = new List<(Range At, long Value)>();
            foreach ((ParquetRowGroup group, ParquetChunk chunk, ParquetLeaf leaf) in chunks)
            {
                column = leaf.Path;
                WriteChunk(source, output, group, chunk, leaf, edits);
            }

            long start = output.Position;
            Splice(output, footer.Bytes, edits);
            Span<byte> tail = stackalloc byte[TailBytes];
            BinaryPrimitives.WriteInt32LittleEndian(tail, checked((int)(output.Position - start)));
            "PAR1"u8.CopyTo(tail[sizeof(int)..]);
            output.Write(tail);
        }
        catch (FormatException e)
        {
            throw new InputDataException($"column '{column}' has a damaged page", path, "pages that can be decompressed", "copy or write it again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the file's older encoding cannot be undone into {target}: {e.Message}", path, "room in the temporary folder",
                "another folder in TMPDIR", e);
        }
    }

    private static void WriteChunk(
        SafeFileHandle source, FileStream output, ParquetRowGroup group, ParquetChunk chunk, ParquetLeaf leaf, List<(Range At, long Value)> edits)
    {
        long start = output.Position, firstData = -1, expanded = 0;
        var pages = new ParquetPages(source, group, chunk);
        while (pages.MoveNext())
        {
            PageHeader page = pages.Page;
            bool isData = page.Kind is PageHeader.DataPage or PageHeader.DataPageV2;
            if (isData && firstData < 0)
            {
                firstData = output.Position;
            }

            byte[] body = pages.Body();
            ReadOnlySpan<byte> levels = [], values;
            if (isData)
            {
                ParquetPageBody parts = ParquetPageBody.Of(page, body, chunk.Codec, leaf);
                levels = parts.Levels;
                values = parts.Values;
            }
            else
            {
                values = ParquetCodec.Inflate(body, 0, page.UncompressedSize, chunk.Codec);
            }

            var changes = new List<(Range, long)>();
            if (isData && IsSplit(page, leaf))
            {
                values = Join(values, WidthOf(leaf));
                changes.Add((page.EncodingAt, Plain));
            }

            int size = levels.Length + values.Length;
            changes.Add((page.UncompressedAt, size));
            changes.Add((page.CompressedAt, size));
            long header = output.Position;
            Splice(output, pages.Header, changes);
            output.Write(levels);
            output.Write(values);
            expanded += output.Position - header;
        }

        edits.Add((chunk.CodecAt, ParquetCodec.Uncompressed));
        edits.Add((chunk.UncompressedAt, expanded));
        edits.Add((chunk.CompressedAt, expanded));
        edits.Add((chunk.DataAt, chunk.HasDictionary && firstData >= 0 ? firstData : start));
        if (chunk.HasDictionary)
        {
            edits.Add((chunk.DictionaryAt, start));
        }
    }

    // Values of width w lie as w streams: all first bytes, then all second ones, ...
    private static byte[] Join(ReadOnlySpan<byte> split, int width)
    {
        ThriftCompact.Require(split.Length % width == 0);
        int count = split.Length / width;
        byte[] joined = new byte[split.Length];
        for (int k = 0; k < width; k++)
        {
            ReadOnlySpan<byte> stream = split.Slice(k * count, count);
            for (int i = 0; i < stream.Length; i++)
            {
                joined[(i * width) + k] = stream[i];
            }
        }

        return joined;
    }

    private static int WidthOf(ParquetLeaf leaf) => leaf.Element.Physical switch
    {
        Int32 => sizeof(int),
        Int64 => sizeof(long),
        ParquetElement.FixedLengthByteArray => Math.Max(0, leaf.Element.TypeLength),
        _ => 0,
    };

    // Zigzag numbers in place of others.
    private static void Splice(FileStream output, ReadOnlySpan<byte> bytes, List<(Range At, long Value)> edits)
    {
        edits.Sort((a, b) => a.At.Start.Value.CompareTo(b.At.Start.Value));
        int done = 0;
        foreach ((Range at, long value) in edits)
        {
            ThriftCompact.Require(at.End.Value > at.Start.Value && at.Start.Value >= done);
            output.Write(bytes[done..at.Start.Value]);
            ulong rest = (ulong)((value << 1) ^ (value >> 63));
            for (; rest >= 0x80; rest >>= 7)
            {
                output.WriteByte((byte)(rest | 0x80));
            }

            output.WriteByte((byte)rest);
            done = at.End.Value;
        }

        output.Write(bytes[done..]);
    }
}
