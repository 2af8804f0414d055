using GenoSeq.Data.Parquet;

namespace GenoSeq.Data.Tests.Fuzz.Targets;

/// <summary>Reads every text and binary column of arbitrary bytes as a Parquet file; only InputDataException may escape.</summary>
public static class ParquetFuzz
{
    private const long MemoryLimit = 48L << 20;

    [ThreadStatic]
    private static string? s_path;

    /// <summary>A small file of each codec that is written, and the peer files that other targets would find too large.</summary>
    internal static IReadOnlyList<byte[]> Seeds()
    {
        const int Largest = 20_000, Usual = 8192;
        using FastaGenome genome = Genomes.Parse(">a b\nACGTNACGTACGTTTTTTTTTTTTTTTTTTTTTGCA\n>c\nACGTACGTTGCAAAAAAAAAAAAAAAAAAAAAC\n");
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = 12, Stride = 5, KeepShort = true });
        var seeds = new List<byte[]>();
        foreach (string codec in ParquetWriterOptions.Codecs)
        {
            string path = Path.Combine(Path.GetTempPath(), $"genoseq-seed-{Environment.ProcessId}-{Guid.NewGuid():N}.parquet");
            ParquetWriter.WriteFile(genome, windows, path, new ParquetWriterOptions { Codec = codec });
            seeds.Add(File.ReadAllBytes(path));
            File.Delete(path);
        }

        if (Repository.Shared is not null)
        {
            seeds.AddRange(Directory.EnumerateFiles(Repository.SharedPath("data", "peer_inputs", "parquet_testing"), "*.parquet", SearchOption.AllDirectories)
                .Where(f => new FileInfo(f).Length is > Usual and <= Largest).Order(StringComparer.Ordinal).Select(File.ReadAllBytes));
        }

        return seeds;
    }

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
