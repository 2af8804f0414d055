using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data.Parquet;

/// <summary>What a file's own description promises, checked before the native decoder sees the file.</summary>
internal static class ParquetFileCheck
{
    /// <summary>Refuses types that the decoder would not survive.</summary>
    internal static void CheckTypes(string path, ParquetFooter footer)
    {
        foreach (ParquetElement element in footer.Schema)
        {
            bool isDecimal = element.Converted == ParquetElement.DecimalConverted || element.LogicalPrecision is not null;
            if (isDecimal && (Wrong(element.Scale ?? 0, element.Precision ?? element.LogicalPrecision ?? 0)
                || (element.LogicalPrecision is long precision && Wrong(element.LogicalScale ?? 0, precision))))
            {
                // The decoder divides by what this would be.
                throw new InputDataException($"column '{element.Name}' is a decimal whose scale and precision do not fit", path,
                    "a precision of at least 1 and a scale from 0 to the precision", "write the file again");
            }
        }
    }

    /// <summary>What the wanted columns of a file hold.</summary>
    /// <param name="LargestRowGroup">Most bytes that their pages expand to in one row group.</param>
    /// <param name="Transcode">Chunks to be written anew before the decoder can read them.</param>
    internal sealed record Content(long LargestRowGroup, IReadOnlyList<(ParquetRowGroup Group, ParquetChunk Chunk, ParquetLeaf Leaf)> Transcode);

    /// <summary>Refuses encrypted columns and pages that the decoder would not survive, in the columns to be read (null for all).</summary>
    internal static Content CheckChunks(string path, ParquetFooter footer, IReadOnlySet<string>? columns, long? memoryLimit)
    {
        List<ParquetLeaf> leaves = LeavesOf(path, footer);
        if (leaves.Count == 0)
        {
            return new Content(0, []);
        }

        if (leaves.Select(l => l.Top).Distinct(StringComparer.OrdinalIgnoreCase).Count() != footer.Schema[0].Children)
        {
            // The decoder gives columns of one name names of its own.
            columns = null;
        }

        using SafeFileHandle file = Open(path);
        var transcode = new List<(ParquetRowGroup, ParquetChunk, ParquetLeaf)>();
        long largest = 0;
        foreach (ParquetRowGroup group in footer.RowGroups)
        {
            // The decoder finds chunks by their number, not by the paths that they say.
            if (group.Chunks.Count != leaves.Count)
            {
                throw new InputDataException($"a row group has {group.Chunks.Count} columns, the schema {leaves.Count}", path, "a chunk for every column",
                    "copy or write it again");
            }

            long expanded = 0;
            for (int i = 0; i < leaves.Count; i++)
            {
                (ParquetChunk chunk, ParquetLeaf leaf) = (group.Chunks[i], leaves[i]);
                bool wanted = columns is null || columns.Contains(leaf.Top);
                if (chunk.Encrypted && (wanted || !chunk.HasMetadata))
                {
                    throw new InputDataException($"column '{leaf.Path}' is encrypted", path, "Parquet without encryption",
                        "decrypt it with the program that wrote it");
                }

                if (!wanted)
                {
                    continue;
                }

                ParquetPageCheck.Result result = ParquetPageCheck.Check(path, file, group, chunk, leaf, memoryLimit ?? long.MaxValue);
                expanded += result.ExpandedBytes;
                if (result.NeedsTranscoding)
                {
                    transcode.Add((group, chunk, leaf));
                }
            }

            largest = Math.Max(largest, expanded);
        }

        return new Content(largest, transcode);
    }

    private static List<ParquetLeaf> LeavesOf(string path, ParquetFooter footer)
    {
        try
        {
            return footer.Leaves();
        }
        catch (FormatException e)
        {
            throw new InputDataException("the file's schema is no tree", path, "as many columns as it says", "copy or write it again", e);
        }
    }

    private static SafeFileHandle Open(string path)
    {
        try
        {
            return File.OpenHandle(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }

    private static bool Wrong(long scale, long precision) => precision < 1 || scale < 0 || scale > precision;
}
