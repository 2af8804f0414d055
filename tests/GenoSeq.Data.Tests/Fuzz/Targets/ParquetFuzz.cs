using GenoSeq.Data.Parquet;

namespace GenoSeq.Data.Tests.Fuzz.Targets;

/// <summary>Reads every text and binary column of arbitrary bytes as a Parquet file; only InputDataException may escape.</summary>
public static class ParquetFuzz
{
    private const long MemoryLimit = 48L << 20;

    [ThreadStatic]
    private static string? s_path;

    /// <summary>One input.</summary>
    public static void Run(ReadOnlySpan<byte> data)
    {
        string path = s_path ??= MakePath();
        using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, 0))
        {
            file.Write(data);
        }

        string[] columns;
        try
        {
            // The reader must cope with what this finds; what it cannot find is refused here as there.
            ParquetMagic.Check(path);
            ParquetFooter footer = ParquetFooter.Read(path);
            columns = [.. footer.Schema.Where(e => e.IsBytes && e.Name.Length > 0 && !e.Name.Contains('\0', StringComparison.Ordinal)).Select(e => e.Name).Distinct().Take(12)];
        }
        catch (InputDataException)
        {
            columns = [];
        }

        if (columns.Length == 0)
        {
            Read(path, null);
        }

        foreach (string column in columns)
        {
            Read(path, column);
        }
    }

    private static void Read(string path, string? column)
    {
        try
        {
            var options = new ParquetSequenceOptions { SequenceColumn = column, Nulls = ParquetNulls.Skip, MemoryLimit = MemoryLimit, Threads = 1 };
            using ParquetReader reader = ParquetReader.Open([path], options);
            using ParquetSequenceRows rows = reader.Rows();
            long total = 0;
            while (rows.MoveNext())
            {
                // Every byte is touched: a span that points nowhere shows here.
                foreach (byte b in rows.Sequence)
                {
                    total += b;
                }
            }

            Assert.True(total >= 0);
        }
        catch (InputDataException)
        {
            // The one way to refuse.
        }
    }

    private static string MakePath()
    {
        string folder = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        string path = Path.Combine(folder, $"genoseq-fuzz-{Environment.ProcessId}-{Environment.CurrentManagedThreadId}.parquet");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(path);
        return path;
    }
}
