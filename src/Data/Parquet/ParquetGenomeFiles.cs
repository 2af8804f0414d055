using GenoSeq.Data.Parquet;

namespace GenoSeq.Data;

/// <summary>Parquet as a kind of genome file.</summary>
internal static class ParquetGenomeFiles
{
    private const int MagicBytes = 4;

    /// <summary>True for a Parquet file (by its first bytes), a folder with one at any depth, or a pattern for some.</summary>
    internal static bool IsParquet(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            if (OneTimeFile.CanReopen(path))
            {
                Span<byte> start = stackalloc byte[MagicBytes];
                using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
                return file.Read(start) == MagicBytes && ParquetMagic.Matches(start);
            }

            return Directory.Exists(path) ? ParquetFileList.HasFiles(path) : ParquetFileList.HasSuffix(path) && path.AsSpan().ContainsAny("*?[");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
