namespace GenoSeq.Data;

/// <summary>How <see cref="GenomeFiles"/> opens genomes.</summary>
public sealed record GenomeOpenOptions
{
    /// <summary>
    /// FASTA files up to this many bytes on disk are read into memory, where reads cost least; larger ones stay on disk
    /// and are read through their index. Ordinary gzip, which has no random access, is always read into memory.
    /// </summary>
    public long InMemoryLimit { get; init; } = 256L << 20;

    /// <summary>BGZF files up to this many bytes on disk are read into memory.</summary>
    public long InMemoryLimitCompressed { get; init; } = 64L << 20;

    /// <summary>
    /// What the sequences of FASTA files may hold: nucleotides by default, since everything that is trained on or scored
    /// must be; to print regions of any file, <see cref="SequenceLetters.AnyLetter"/>.
    /// </summary>
    public SequenceLetters Letters { get; init; }

    /// <summary>How indexes are found or made.</summary>
    public FastaIndexOptions Index { get; init; } = new();

    /// <summary>Columns and rows of Parquet files; null for the defaults.</summary>
    public ParquetSequenceOptions? Parquet { get; init; }

    /// <summary>Told in words of what the user should know, such as a large file that must go to memory.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Every problem of these options; empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (InMemoryLimit < 0)
        {
            problems.Add($"{nameof(InMemoryLimit)} is {InMemoryLimit}; expected 0 or more bytes");
        }
        if (InMemoryLimitCompressed < 0)
        {
            problems.Add($"{nameof(InMemoryLimitCompressed)} is {InMemoryLimitCompressed}; expected 0 or more bytes");
        }
        return problems;
    }
}
