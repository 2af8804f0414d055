using GenoSeq.Data.Parquet;

namespace GenoSeq.Data;

/// <summary>How a table is written.</summary>
public sealed record TableWriterOptions
{
    /// <summary>What may be replaced.</summary>
    public OutputOptions Output { get; init; } = new();

    /// <summary>Keys and values that a Parquet file stores beside its rows; text tables have no place for them.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// Writes a table row by row: Parquet where the name ends in <c>.parquet</c>, otherwise tab-separated text with a line of names, BGZF
/// where it ends in <c>.gz</c>; <c>-</c> is standard output. The file appears under its name with <see cref="Commit"/>.
/// </summary>
public abstract class TableWriter : IDisposable
{
    private protected TableWriter(IReadOnlyList<TableColumn> columns) => Columns = columns;

    /// <summary>The columns, in order.</summary>
    public IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>Begins a table.</summary>
    /// <param name="path">Its file, or <c>-</c>.</param>
    /// <param name="columns">At least one; names differ.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="OutputException">The file exists and may not be replaced, or cannot be made.</exception>
    /// <exception cref="MissingNativeLibraryException">Parquet is wanted and DuckDB is not installed.</exception>
    public static TableWriter Create(string path, IReadOnlyList<TableColumn> columns, TableWriterOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(columns);
        if (columns.Count == 0 || columns.Select(c => c.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count() != columns.Count)
        {
            throw new ArgumentException("a table needs columns of different names", nameof(columns));
        }

        options ??= new TableWriterOptions();
        return path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)
            ? new ParquetRowTable(path, columns, options)
            : new TextTable(path, columns, options);
    }

    /// <summary>Writes a row: a cell for each column, of its type or nothing.</summary>
    /// <exception cref="ArgumentException">The number of cells is not that of the columns.</exception>
    public void Write(params ReadOnlySpan<TableCell> row)
    {
        if (row.Length != Columns.Count)
        {
            throw new ArgumentException($"{row.Length} cells for {Columns.Count} columns", nameof(row));
        }

        WriteRow(row);
    }

    /// <summary>Makes the file whole under its name. Nothing can be written afterwards.</summary>
    public abstract void Commit();

    /// <summary>Removes what was written, unless it was committed.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    private protected abstract void WriteRow(ReadOnlySpan<TableCell> row);

    /// <summary>Removes what was written, unless it was committed.</summary>
    protected abstract void Dispose(bool disposing);
}
