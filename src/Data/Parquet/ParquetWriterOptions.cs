namespace GenoSeq.Data;

/// <summary>How windows are written to Parquet.</summary>
public sealed record ParquetWriterOptions
{
    /// <summary>Codecs that can be written.</summary>
    public static IReadOnlyList<string> Codecs { get; } = ["zstd", "snappy", "gzip", "lz4_raw", "brotli", "uncompressed"];

    /// <summary>Compression of the pages.</summary>
    public string Codec { get; init; } = "zstd";

    /// <summary>Rows of a shard; null for about 512 MiB of bases.</summary>
    public long? RowsPerShard { get; init; }

    /// <summary>Rows of a row group; null for about 32 MiB of bases, 122,880 at most.</summary>
    public int? RowsPerGroup { get; init; }

    /// <summary>Shards written at once; 0 for the machine's cores, four at most.</summary>
    public int Threads { get; init; }

    /// <summary>Replace output that is there. A folder is replaced only if Parquet files are all it has.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Keys and values to store in every file besides the window's length and count.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (!Codecs.Contains(Codec))
        {
            problems.Add($"there is no codec '{Codec}'; it must be one of {string.Join(", ", Codecs)}");
        }
        if (RowsPerShard is < 1)
        {
            problems.Add($"RowsPerShard is {RowsPerShard}; it must be at least 1");
        }
        if (RowsPerGroup is < 1)
        {
            problems.Add($"RowsPerGroup is {RowsPerGroup}; it must be at least 1");
        }
        if (Threads is < 0 or > 256)
        {
            problems.Add($"Threads is {Threads}; it must be 0 to 256");
        }
        return problems;
    }
}
