using System.Globalization;
using GenoSeq.Data.Parquet;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data;

/// <summary>Writes windows of a genome to Parquet, as one file or as a folder of shards.</summary>
/// <remarks>
/// Columns: <c>contig</c> text, <c>start</c> and <c>end</c> 64-bit (0-based, half-open), <c>strand</c> (<c>+</c>),
/// <c>sequence</c> text exactly as in the source, and <c>split</c> where the tiling has one. Shards are ranges of the
/// tiling, so their content does not depend on the number of threads. Output appears under its name only when it is whole.
/// </remarks>
public static class ParquetWriter
{
    private const long ShardBytes = 512L << 20;
    private const long GroupBytes = 32L << 20;
    private const int MaxGroupRows = 122_880;
    private const int MaxDefaultThreads = 4;
    private const long MemoryPerThread = 256L << 20;

    /// <summary>Writes all windows into one file.</summary>
    /// <param name="genome">The genome of the tiling.</param>
    /// <param name="windows">The windows.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">How to write; null for the defaults.</param>
    /// <param name="progress">Told how many rows were written since the last call; from several threads.</param>
    /// <param name="stop">Ends the writing; nothing is left.</param>
    /// <exception cref="OutputException">The output exists, or cannot be written.</exception>
    /// <exception cref="MissingNativeLibraryException">DuckDB is not installed.</exception>
    public static void WriteFile(
        GenomeSource genome, WindowTiling windows, string path, ParquetWriterOptions? options = null, Action<long>? progress = null, CancellationToken stop = default)
    {
        options = Checked(genome, windows, options);
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full) || (File.Exists(full) && !options.Overwrite))
        {
            throw Exists(path);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            WriteShard(genome, windows, 0, windows.Count, temporary, options, progress, stop);
            File.Move(temporary, full, options.Overwrite);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Writes the windows into a folder of files <c>part-00000.parquet</c>, ...; parameters as in <see cref="WriteFile"/>.</summary>
    /// <returns>Number of shards.</returns>
    /// <exception cref="OutputException">The output exists, or cannot be written.</exception>
    /// <exception cref="MissingNativeLibraryException">DuckDB is not installed.</exception>
    public static int WriteFolder(
        GenomeSource genome, WindowTiling windows, string folder, ParquetWriterOptions? options = null, Action<long>? progress = null, CancellationToken stop = default)
    {
        options = Checked(genome, windows, options);
        string full = Path.GetFullPath(folder).TrimEnd('/');
        RefuseExisting(full, folder, options.Overwrite);
        long rows = options.RowsPerShard ?? Math.Max(1, ShardBytes / Math.Max(1, WidthOf(windows)));
        int shards = checked((int)Math.Max(1, (windows.Count + rows - 1) / rows));
        int threads = options.Threads > 0 ? options.Threads : Math.Min(MaxDefaultThreads, Environment.ProcessorCount);
        string temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        Directory.CreateDirectory(temporary);
        try
        {
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = stop };
            try
            {
                Parallel.For(0, shards, parallel, shard => WriteShard(
                    genome, windows, shard * rows, Math.Min(windows.Count, (shard + 1) * rows),
                    Path.Combine(temporary, string.Create(CultureInfo.InvariantCulture, $"part-{shard:D5}.parquet")), options, progress, stop));
            }
            catch (AggregateException e)
            {
                // One thread's words are enough.
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
            }

            Publish(temporary, full);
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }
        }

        return shards;
    }

    private static void WriteShard(
        GenomeSource genome, WindowTiling windows, long first, long end, string path, ParquetWriterOptions options, Action<long>? progress, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        int groupRows = options.RowsPerGroup ?? (int)Math.Clamp(GroupBytes / Math.Max(1, WidthOf(windows)), 1, MaxGroupRows);
        bool withPart = windows.Count > 0 && windows[0].Part is not null;
        var metadata = new Dictionary<string, string>(options.Metadata)
        {
            ["genoseq.windows"] = windows.Count.ToString(CultureInfo.InvariantCulture),
            ["genoseq.first_window"] = first.ToString(CultureInfo.InvariantCulture),
        };
        Copy(new WindowRows(genome, windows, first, end, withPart, progress, stop), path, options.Codec, groupRows, metadata);
    }

    /// <summary>Writes the rows of a source into one file, in their order.</summary>
    /// <param name="source">The rows.</param>
    /// <param name="path">The file.</param>
    /// <param name="codec">One of <see cref="ParquetWriterOptions.Codecs"/>.</param>
    /// <param name="groupRows">Rows of a row group at most.</param>
    /// <param name="metadata">Keys and values to store.</param>
    /// <param name="select">What is stored, over the source's columns.</param>
    internal static void Copy(IChunkSource source, string path, string codec, int groupRows, IReadOnlyDictionary<string, string> metadata, string select = "*")
    {
        string pairs = metadata.Count == 0 ? ""
            : $", KV_METADATA {{{string.Join(", ", metadata.Select(p => $"{Sql.Text(p.Key)}: {Sql.Text(p.Value)}"))}}}";
        using var session = new DuckDbSession(1, MemoryPerThread);
        // With one thread the order is that of the rows, and row groups may then be closed by their size.
        session.Execute("SET preserve_insertion_order = false");
        using var function = new WindowTableFunction(session, source);
        try
        {
            session.Execute(string.Create(CultureInfo.InvariantCulture,
                $"COPY (SELECT {select} FROM {WindowTableFunction.Name}()) TO {Sql.Text(path)} (FORMAT parquet, CODEC {Sql.Text(codec)}, ROW_GROUP_SIZE {groupRows}, ROW_GROUP_SIZE_BYTES {2 * GroupBytes}{pairs})"));
        }
        catch (DuckDbException e)
        {
            if (function.Error is not null)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(function.Error);
            }

            throw new OutputException(OutputProblem.Failed, $"the Parquet file cannot be written: {e.Message}", path, "room and permission to write",
                e.OutOfMemory ? "shorter windows or fewer rows a row group" : "another folder", e);
        }
    }

    private static ParquetWriterOptions Checked(GenomeSource genome, WindowTiling windows, ParquetWriterOptions? options)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(windows);
        options ??= new ParquetWriterOptions();
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        return options;
    }

    private static long WidthOf(WindowTiling windows) => windows.Count == 0 ? 1 : windows[0].Interval.Length;

    private static void RefuseExisting(string full, string folder, bool overwrite)
    {
        if (File.Exists(full))
        {
            throw Exists(folder);
        }

        if (!Directory.Exists(full))
        {
            return;
        }

        string[] entries = Directory.GetFileSystemEntries(full);
        bool onlyParquet = Array.TrueForAll(entries, e => e.EndsWith(".parquet", StringComparison.Ordinal) && File.Exists(e));
        if (entries.Length > 0 && !(overwrite && onlyParquet))
        {
            throw overwrite
                ? new OutputException(OutputProblem.Refused, "the folder has other things than Parquet files", folder, "a folder that an earlier run wrote", "another folder")
                : Exists(folder);
        }
    }

    private static void Publish(string temporary, string full)
    {
        if (!Directory.Exists(full))
        {
            Directory.Move(temporary, full);
            return;
        }

        string old = $"{full}.{Guid.NewGuid():N}.old";
        Directory.Move(full, old);
        Directory.Move(temporary, full);
        Directory.Delete(old, recursive: true);
    }

    private static OutputException Exists(string path) =>
        new(OutputProblem.Refused, "the output exists already", path, "a new name", "another name, or --force to replace it");
}
