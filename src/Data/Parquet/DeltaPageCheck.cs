namespace GenoSeq.Data.Parquet;

/// <summary>
/// Walks the pages of a column chunk that is DELTA_LENGTH_BYTE_ARRAY or DELTA_BYTE_ARRAY encoded and checks the lengths
/// that its values are made of.
/// </summary>
/// <remarks>
/// The native decoder adds prefix and suffix lengths in 32 bits and copies by them without comparing the sum with its
/// buffer, so that a damaged page of these encodings can write outside of it. Chunks of other encodings are left to it:
/// they are bounds-checked there.
/// </remarks>
internal static class DeltaPageCheck
{
    private const int DeltaLength = 6, DeltaByteArray = 7;
    private const int UsualHeaderBytes = 1 << 10;
    private const int MaxHeaderBytes = 1 << 20;

    // Chunks that do not list these encodings are walked only where that costs little; DuckDB goes by the pages.
    private const long WalkAnyway = 16L << 20;

    /// <summary>Throws unless the chunk's delta pages hold together.</summary>
    /// <exception cref="InputDataException">They do not.</exception>
    internal static void Check(string path, ParquetFooter footer, ParquetChunk chunk)
    {
        // A page may say an encoding that its chunk's list does not have; text and bytes only can be decoded so.
        if (chunk.Physical is not (ParquetElement.ByteArray or ParquetElement.FixedLengthByteArray))
        {
            return;
        }

        bool listed = chunk.Encodings.Contains(DeltaLength) || chunk.Encodings.Contains(DeltaByteArray);
        if (!listed && chunk.CompressedSize > WalkAnyway)
        {
            return;
        }

        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path);
            Walk(file, footer, chunk, listed);
        }
        catch (FormatException e)
        {
            throw new InputDataException($"column '{string.Join('.', chunk.Path)}' has a damaged page", path, "pages whose lengths agree",
                "copy or write it again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }

    private static void Walk(Microsoft.Win32.SafeHandles.SafeFileHandle file, ParquetFooter footer, ParquetChunk chunk, bool listed)
    {
        long length = RandomAccess.GetLength(file);
        long at = chunk.DictionaryOffset > 0 && chunk.DictionaryOffset < chunk.DataOffset ? chunk.DictionaryOffset : chunk.DataOffset;
        byte[] header = new byte[UsualHeaderBytes];
        for (long values = 0; values < chunk.Values && at >= 0 && at < length;)
        {
            PageHeader page;
            try
            {
                page = ReadHeader(file, ref header, at);
                ThriftCompact.Require(page.CompressedSize >= 0 && page.UncompressedSize >= 0 && page.CompressedSize <= length - at - page.HeaderBytes);
            }
            catch (FormatException) when (!listed)
            {
                // Nothing that this check is for; the decoder says what is wrong, or copes.
                return;
            }

            if (page.Kind is PageHeader.DataPage or PageHeader.DataPageV2)
            {
                ThriftCompact.Require(page.Values >= 0);
                values += page.Values;
                if (page.Encoding is DeltaLength or DeltaByteArray)
                {
                    (int maxDefinition, int maxRepetition) = footer.LevelsOf(chunk.Path);
                    byte[] body = new byte[page.CompressedSize];
                    ThriftCompact.Require(RandomAccess.Read(file, body, at + page.HeaderBytes) == body.Length);
                    ReadOnlySpan<byte> bytes = ParquetPageBody.ValuesOf(page, body, chunk.Codec, maxDefinition, maxRepetition, out bool known);
                    if (known)
                    {
                        Lengths(bytes, page.Encoding == DeltaByteArray, page.Values);
                    }
                }
            }

            at += page.HeaderBytes + page.CompressedSize;
        }
    }

    // Headers with long statistics are rare: more is read only when the usual does not hold one.
    private static PageHeader ReadHeader(Microsoft.Win32.SafeHandles.SafeFileHandle file, ref byte[] buffer, long at)
    {
        while (true)
        {
            int got = RandomAccess.Read(file, buffer, at);
            try
            {
                return PageHeader.Read(buffer.AsSpan(0, got));
            }
            catch (FormatException) when (got == buffer.Length && buffer.Length < MaxHeaderBytes)
            {
                buffer = new byte[MaxHeaderBytes];
            }
        }
    }

    private static void Lengths(ReadOnlySpan<byte> bytes, bool withPrefixes, int values)
    {
        if (bytes.IsEmpty)
        {
            // A page of NULLs only.
            return;
        }

        var prefixes = new DeltaLengths(bytes, values);
        int[] first = prefixes.Decode(out int used);
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
