namespace GenoSeq.Inference.Input;

/// <summary>Where sequences come from.</summary>
public sealed record SequenceInputOptions
{
    /// <summary>Files: FASTA, FASTQ, 2bit, Parquet, CSV or TSV, plain, gzip or BGZF; <c>-</c> is standard input.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>A BED file: the intervals of the files, which are then a genome; null for all sequences.</summary>
    public string? Bed { get; init; }

    /// <summary>Regions of the genome, as samtools writes them; empty for none.</summary>
    public IReadOnlyList<string> Regions { get; init; } = [];

    /// <summary>Column of tables that holds the sequence; null chooses by name.</summary>
    public string? SequenceColumn { get; init; }

    /// <summary>Column of tables that holds the name; null chooses <c>id</c> or <c>name</c> of text tables, else rows are numbered.</summary>
    public string? IdColumn { get; init; }

    /// <summary>Positions of a window: each is a sequence of its own; 0 for whole sequences.</summary>
    public int Window { get; init; }

    /// <summary>Positions from one window to the next; 0: the window's length.</summary>
    public int Stride { get; init; }

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IEnumerable<string> Validate()
    {
        if (Files.Count == 0) yield return "no input is given";
        if (Window < 0) yield return $"a window has {Window} positions; it must have at least 1";
        if (Stride < 0) yield return $"the stride is {Stride} positions; it must be at least 1";
        if (Stride > 0 && Window == 0) yield return "a stride needs a window";
        if (Window > 0 && Stride > Window) yield return $"a stride of {Stride} leaves positions out between windows of {Window}";
        if (Bed is not null && Regions.Count > 0) yield return "a BED file and regions are given; one of them says what is read";
    }
}
