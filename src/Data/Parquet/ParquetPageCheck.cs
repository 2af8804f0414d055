namespace GenoSeq.Data.Parquet;

/// <summary>
/// Checks the pages of a column chunk before the native decoder sees them: that they lie in the file, that they can expand
/// to what they say, and that the lengths of delta-encoded values hold together.
/// </summary>
/// <remarks>
/// The native decoder reserves what a page says before it expands it; and in the encodings DELTA_LENGTH_BYTE_ARRAY and
/// DELTA_BYTE_ARRAY it adds lengths in 32 bits and copies by them without comparing the sum with its buffer, so that a
/// damaged page can write outside of it. Other encodings are bounds-checked there.
/// </remarks>
internal static class ParquetPageCheck
{
    private const int DeltaLength = 6, DeltaByteArray = 7;

    // Pages of these encodings are decoded here; no writer makes them near this size.
    private const int MaxDeltaPage = 256 << 20;

    /// <summary>What a chunk holds by its pages.</summary>
    /// <param name="ExpandedBytes">Sum of the pages' sizes, each one possible.</param>
    /// <param name="NeedsTranscoding">The native decoder does not know the codec or an encoding, and <see cref="ParquetTranscoder"/> does.</param>
    internal readonly record struct Result(long ExpandedBytes, bool NeedsTranscoding);

    /// <summary>Throws unless the chunk's pages hold together.</summary>
    /// <exception cref="InputDataException">They do not.</exception>
    internal static Result Check(string path, Microsoft.Win32.SafeHandles.SafeFileHandle file, ParquetRowGroup group, ParquetChunk chunk, ParquetLeaf leaf, long mostBytes)
    {
        try
        {
            return Walk(path, file, group, chunk, leaf, mostBytes);
        }
        catch (FormatException e)
        {
            throw new InputDataException($"column '{leaf.Path}' has a damaged page", path, "pages inside the file whose lengths agree",
                "copy or write it again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }

    private static Result Walk(string path, Microsoft.Win32.SafeHandles.SafeFileHandle file, ParquetRowGroup group, ParquetChunk chunk, ParquetLeaf leaf, long mostBytes)
    {
        long expanded = 0;
        bool transcode = chunk.Codec == ParquetCodec.Lz4;
        var pages = new ParquetPages(file, group, chunk);
        while (pages.MoveNext())
        {
            PageHeader page = pages.Page;
            bool isData = page.Kind is PageHeader.DataPage or PageHeader.DataPageV2;
            bool isDelta = isData && page.Encoding is DeltaLength or DeltaByteArray;
            bool isBelievable = ParquetCodec.IsBelievable(page.CompressedSize, page.UncompressedSize);
            transcode |= isData && ParquetTranscoder.IsSplit(page, leaf);
            expanded += page.UncompressedSize;
            if (!isDelta && isBelievable)
            {
                continue;
            }

            if (isDelta && page.UncompressedSize > MaxDeltaPage)
            {
                throw new InputDataException($"column '{leaf.Path}' has a page of {page.UncompressedSize:N0} bytes in a delta encoding", path,
                    $"pages of at most {MaxDeltaPage:N0} bytes in such an encoding", "write it with smaller pages");
            }

            if (page.UncompressedSize > mostBytes)
            {
                throw new InputDataException($"column '{leaf.Path}' has a page that says it expands to {page.UncompressedSize:N0} bytes, more memory than it may take", path,
                    $"pages that fit in the memory limit of {mostBytes:N0} bytes", "a higher memory limit, or the file written again with smaller pages");
            }

            byte[] body = pages.Body();
            int plain = page.Kind == PageHeader.DataPageV2 ? Math.Clamp(page.DefinitionBytes + page.RepetitionBytes, 0, body.Length) : 0;
            if (!isBelievable && !ParquetCodec.ReallyExpands(body, plain, (long)page.UncompressedSize - plain, chunk.Codec))
            {
                throw new InputDataException(
                    $"column '{leaf.Path}' has a page of {page.CompressedSize:N0} bytes that says it expands to {page.UncompressedSize:N0}", path,
                    "the size that it does expand to", "copy or write it again");
            }

            if (isDelta)
            {
                Lengths(ParquetPageBody.Of(page, body, chunk.Codec, leaf).Values, page.Encoding == DeltaByteArray, page.Values);
            }
        }

        return new Result(expanded, transcode);
    }

    private static void Lengths(ReadOnlySpan<byte> bytes, bool withPrefixes, int values)
    {
        if (bytes.IsEmpty)
        {
            // A page of NULLs only.
            return;
        }

        int[] first = new DeltaLengths(bytes, values).Decode(out int used);
        bytes = bytes[used..];
        int[] suffixes = first;
        if (withPrefixes)
        {
            suffixes = new DeltaLengths(bytes, values).Decode(out used);
            bytes = bytes[used..];
            ThriftCompact.Require(first.Length == suffixes.Length);
        }

        long total = 0;
        long previous = 0;
        for (int i = 0; i < suffixes.Length; i++)
        {
            long prefix = withPrefixes ? first[i] : 0;
            ThriftCompact.Require(suffixes[i] >= 0 && prefix >= 0 && prefix <= previous);
            previous = prefix + suffixes[i];
            total += suffixes[i];
            ThriftCompact.Require(previous <= int.MaxValue && total <= bytes.Length);
        }
    }
}
