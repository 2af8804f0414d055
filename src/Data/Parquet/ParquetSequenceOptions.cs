using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data;

/// <summary>What to do with a row whose sequence is NULL.</summary>
public enum ParquetNulls
{
    /// <summary>Refuse the file and name the row.</summary>
    Error,

    /// <summary>Leave the row out.</summary>
    Skip,
}

/// <summary>Which columns and rows of Parquet files are read as sequences.</summary>
/// <remarks>
/// A column is given by its name, or by a dotted path into nested ones: <c>record.dna</c> (a field of a STRUCT),
/// <c>reads</c> or <c>reads.list.element</c> (every element of a LIST is a sequence of its own), <c>genes.value</c> (the
/// keys or values of a MAP). A column whose own name has dots is found by that name first.
/// </remarks>
public sealed record ParquetSequenceOptions
{
    /// <summary>
    /// The column of sequences: text or binary, one letter a byte. Null chooses a text or binary column called
    /// <c>sequence</c>, <c>seq</c>, <c>dna</c>, <c>dna_sequence</c>, <c>nucleotides</c> or <c>text</c> (in this order, case
    /// ignored), else the only text or binary column.
    /// </summary>
    public string? SequenceColumn { get; init; }

    /// <summary>Column of the sequences' names, or null: they are then called <c>row1</c>, <c>row2</c>, ...</summary>
    public string? IdColumn { get; init; }

    /// <summary>Column of labels, or null.</summary>
    public string? LabelColumn { get; init; }

    /// <summary>Column of numeric weights, or null.</summary>
    public string? WeightColumn { get; init; }

    /// <summary>Further columns to hand out, as text.</summary>
    public IReadOnlyList<string> ExtraColumns { get; init; } = [];

    /// <summary>
    /// Rows to read: a SQL expression over the files' columns (hive partitions too), such as
    /// <c>species = 'human' AND length(sequence) >= 1000</c>. It is evaluated by the scan, which skips row groups that
    /// cannot match by their statistics, and files by their partition.
    /// </summary>
    public string? Where { get; init; }

    /// <summary>Rows whose sequence is NULL.</summary>
    public ParquetNulls Nulls { get; init; }

    /// <summary>
    /// Whether <c>key=value</c> folders of the paths are columns: null if the paths of all files have them, and then yes.
    /// </summary>
    public bool? HivePartitions { get; init; }

    /// <summary>
    /// Bytes that decoding may take; null allows what the largest row group needs by the files' own account, up to half
    /// of the machine's memory.
    /// </summary>
    public long? MemoryLimit { get; init; }

    /// <summary>Threads that decode; 0 for up to four, by the machine's cores. The order of rows does not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Where is not null && Sql.ProblemOf(Where) is string problem)
        {
            problems.Add($"Where must be one SQL expression, but {problem}: {Where}");
        }
        if (MemoryLimit is < 1 << 20)
        {
            problems.Add($"MemoryLimit is {MemoryLimit} bytes; it must be at least 1 MiB");
        }
        if (Threads is < 0 or > 1024)
        {
            problems.Add($"Threads is {Threads}; it must be 0 to 1024");
        }
        foreach (string? name in (string?[])[SequenceColumn, IdColumn, LabelColumn, WeightColumn, .. ExtraColumns])
        {
            if (name is not null && (name.Length == 0 || name.Contains('\0', StringComparison.Ordinal)))
            {
                problems.Add("a column's name is empty or has a NUL character");
            }
        }
        return problems;
    }
}
