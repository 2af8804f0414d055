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

    /// <summary>Refuses encrypted columns and pages that the decoder would not survive, in the columns to be read (null for all).</summary>
    internal static void CheckChunks(string path, ParquetFooter footer, IReadOnlySet<string>? columns)
    {
        foreach (List<ParquetChunk> group in footer.RowGroups)
        {
            foreach (ParquetChunk chunk in group)
            {
                bool wanted = columns is null || (chunk.Path.Count > 0 && columns.Contains(chunk.Path[0]));
                if (chunk.Encrypted && (wanted || !chunk.HasMetadata))
                {
                    throw new InputDataException($"column '{string.Join('.', chunk.Path)}' is encrypted", path, "Parquet without encryption",
                        "decrypt it with the program that wrote it");
                }

                if (wanted)
                {
                    DeltaPageCheck.Check(path, footer, chunk);
                }
            }
        }
    }

    /// <summary>Largest sum of the wanted columns' decoded bytes in one row group, by the file's account.</summary>
    internal static long LargestRowGroup(ParquetFooter footer, IReadOnlySet<string>? columns)
    {
        long largest = 0;
        foreach (List<ParquetChunk> group in footer.RowGroups)
        {
            long sum = 0;
            foreach (ParquetChunk chunk in group)
            {
                if (columns is null || (chunk.Path.Count > 0 && columns.Contains(chunk.Path[0])))
                {
                    // Sums stay far from overflow: a chunk counts at most 2^50.
                    sum = Math.Min(1L << 60, sum + Math.Clamp(chunk.UncompressedSize, 0, 1L << 50));
                }
            }

            largest = Math.Max(largest, sum);
        }

        return largest;
    }

    private static bool Wrong(long scale, long precision) => precision < 1 || scale < 0 || scale > precision;
}
