using System.Globalization;
using GenoSeq.Data.Parquet;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data;

/// <summary>A column of Parquet files.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type in SQL's words, such as <c>VARCHAR</c>, <c>BLOB</c> or <c>VARCHAR[]</c>.</param>
public sealed record ParquetColumn(string Name, string Type);

/// <summary>
/// Reads sequences from Parquet files through DuckDB: columns and row filters are pushed down to the scan, rows are
/// streamed in chunks, and memory depends on the files' row groups, not on their number or size.
/// </summary>
/// <remarks>
/// While a reader is open its database can read the files it was opened on and no others, and cannot load extensions or
/// reach the network, whatever a filter expression says. One thread at a time may use a reader.
/// </remarks>
public sealed class ParquetReader : IDisposable
{
    // Decoding holds a row group's compressed bytes, its decoded pages and the strings handed out.
    private const long BaseMemory = 256L << 20;
    private const int MaxDefaultThreads = 4;

    private static readonly string[] s_conventions = ["sequence", "seq", "dna", "dna_sequence", "nucleotides", "text"];

    private readonly ParquetCopies _copies;
    private readonly string _key;
    private readonly bool _hive;
    private readonly ParquetSequenceOptions _options;
    private readonly List<(ParquetColumn Column, ParquetType Type)> _columns = [];
    private readonly string _where;
    private DuckDbSession _session;
    private string _scan;
    private string _sequence = "";
    private bool _unnests;
    private int _rows;
    private bool _disposed;
    private bool _broken;

    private ParquetReader(IReadOnlyList<string> paths, ParquetSequenceOptions options)
    {
        _options = options;
        int threads = options.Threads > 0 ? options.Threads : Math.Min(MaxDefaultThreads, Environment.ProcessorCount);
        Files = Guard(() => ParquetFileList.Resolve(paths));
        var footers = new List<ParquetFooter>(1);
        foreach (string file in Files)
        {
            ParquetMagic.Check(file);
            ParquetFooter footer = ParquetFooter.Read(file);
            // Types first: DESCRIBE below already meets them. Pages follow, once the columns are known.
            ParquetFileCheck.CheckTypes(file, footer);
            RowCount += Math.Max(0, footer.Rows);
            footers.Add(footer);
        }

        _copies = new ParquetCopies(Files, footers);
        _hive = options.HivePartitions ?? ParquetFileList.HasPartitions(Files);
        _scan = Scan(Files);
        _where = options.Where is null ? "" : $" WHERE ({options.Where})";
        _key = string.Join('\0', Files) + string.Create(CultureInfo.InvariantCulture, $"\0{threads}\0{options.MemoryLimit}");
        _session = _copies.AreOut ? NewSession(threads) : DuckDbSessions.Take(_key) ?? NewSession(threads);
        try
        {
            Guard(() =>
            {
                Describe();
                return true;
            });
            ChooseColumns(footers);
            IReadOnlySet<string>? wanted = WantedColumns();
            long largest = 0;
            for (int i = 0; i < footers.Count; i++)
            {
                ParquetFileCheck.Content content = ParquetFileCheck.CheckChunks(Files[i], footers[i], wanted, options.MemoryLimit);
                largest = Math.Max(largest, content.LargestRowGroup);
                _copies.Make(i, footers[i], content.Transcode);
            }

            _scan = Scan(_copies.Paths);
            Guard(() =>
            {
                SetLimits(threads, largest);
                return true;
            });
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The files, absolute, in the order in which they are read.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The files' columns; partitions of the paths come last.</summary>
    public IReadOnlyList<ParquetColumn> Columns => [.. _columns.Select(c => c.Column)];

    /// <summary>Rows of all files, by their own account, before any filter.</summary>
    public long RowCount { get; }

    /// <summary>The column, or the path into one, that sequences are read from.</summary>
    public string SequenceColumn { get; private set; } = "";

    /// <summary>Opens files.</summary>
    /// <param name="paths">Files, folders (all Parquet files below, hidden ones left out) or patterns (<c>*</c>, <c>?</c>,
    /// <c>[abc]</c>, <c>**</c> for folders at any depth).</param>
    /// <param name="options">Columns and rows to read; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options are invalid.</exception>
    /// <exception cref="InputDataException">A file is missing, is no usable Parquet, or lacks the columns.</exception>
    /// <exception cref="MissingNativeLibraryException">DuckDB is not installed.</exception>
    public static ParquetReader Open(IReadOnlyList<string> paths, ParquetSequenceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        options ??= new ParquetSequenceOptions();
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        return new ParquetReader(paths, options);
    }

    /// <summary>True if a file's first bytes are Parquet's.</summary>
    public static bool IsParquet(ReadOnlySpan<byte> start) => ParquetMagic.Matches(start);

    /// <summary>Starts reading. A reader can be read several times, one after the other.</summary>
    /// <exception cref="InputDataException">The filter does not fit the columns, or a file is corrupt.</exception>
    public ParquetSequenceRows Rows() => Rows(withFile: false);

    /// <summary>As <see cref="Rows()"/>, with the number of each row's file on request.</summary>
    internal ParquetSequenceRows Rows(bool withFile)
    {
        var columns = new List<string> { _unnests ? $"unnest({_sequence})" : _sequence };
        if (_options.IdColumn is not null)
        {
            columns.Add(Cast(_options.IdColumn, "VARCHAR"));
        }

        if (_options.LabelColumn is not null)
        {
            columns.Add(Cast(_options.LabelColumn, "VARCHAR"));
        }

        if (_options.WeightColumn is not null)
        {
            columns.Add(Cast(_options.WeightColumn, "DOUBLE"));
        }

        columns.AddRange(_options.ExtraColumns.Select(name => Cast(name, "VARCHAR")));
        // A column of the file's own by this name would hide the scan's.
        withFile &= Files.Count > 1 && !_columns.Exists(c => c.Column.Name.Equals("file_index", StringComparison.OrdinalIgnoreCase));
        if (withFile)
        {
            columns.Add("CAST(file_index AS BIGINT)");
        }

        DuckDbCursor cursor = Guard(() => _session.Select($"SELECT {string.Join(", ", columns)} FROM {_scan}{_where}"));
        _rows++;
        return new ParquetSequenceRows(this, cursor, _options, withFile);
    }

    /// <summary>Told by rows that are disposed: what they held is free.</summary>
    internal void Return() => _rows--;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (_session.IsLocked && !_broken && _rows == 0 && !_copies.AreOut)
        {
            DuckDbSessions.Keep(_key, _session);
        }
        else
        {
            _session.Dispose();
        }

        _copies.Dispose();
    }

    internal InputDataException NullError(long number)
    {
        string where = Files.Count == 1 ? $"{Files[0]}, selected row {number}" : $"{Files.Count} files, selected row {number}";
        if (!_unnests && !_columns.Exists(c => c.Column.Name is "filename" or "file_row_number"))
        {
            try
            {
                string and = _options.Where is null ? "" : $"({_options.Where}) AND ";
                using DuckDbCursor cursor = _session.Select($"SELECT filename, file_row_number + 1 FROM {_scan} WHERE {and}{_sequence} IS NULL LIMIT 1");
                if (cursor.Next())
                {
                    where = $"{_copies.OriginalOf(cursor.Text(0, 0))}, row {cursor.Int64(1, 0)}";
                }
            }
            catch (DuckDbException)
            {
                // The number among the selected rows says enough.
            }
        }

        return new InputDataException($"column '{SequenceColumn}' has no sequence (NULL)", where, "a sequence in every row",
            "leave such rows out: Nulls = Skip, or a filter");
    }

    internal InputDataException Translate(DuckDbException e, long row = 0)
    {
        _broken |= e.Fatal;
        string files = Files is null || Files.Count == 0 ? "Parquet" : Files.Count == 1 ? Files[0] : $"{Files[0]} and {Files.Count - 1} more files";
        string where = row > 0 ? $"{files}, after row {row}" : files;
        if (e.OutOfMemory)
        {
            return new InputDataException("decoding the file takes more memory than it may", where, "row groups that fit in the memory limit",
                "a higher memory limit, or the file written again with smaller row groups", e);
        }

        return e.InQuery && _options.Where is not null
            ? new InputDataException($"the filter does not fit the files: {e.Message}", where,
                "one SQL expression over " + ColumnList(), null, e)
            : new InputDataException($"the file cannot be decoded: {e.Message}", where, "valid Parquet",
                "copy or write it again, or check it with the program that wrote it", e);
    }

    private T Guard<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (DuckDbException e)
        {
            throw Translate(e);
        }
    }

    private void Describe()
    {
        var types = new List<string>();
        using (DuckDbCursor cursor = _session.Select($"SELECT column_type FROM (DESCRIBE SELECT * FROM {_scan})"))
        {
            while (cursor.Next())
            {
                for (int row = 0; row < cursor.Rows; row++)
                {
                    types.Add(cursor.Text(0, row));
                }
            }
        }

        using DuckDbCursor empty = _session.Select($"SELECT * FROM {_scan} LIMIT 0");
        for (int i = 0; i < empty.Columns; i++)
        {
            using LogicalTypeHandle type = empty.Type(i);
            _columns.Add((new ParquetColumn(empty.Name(i), i < types.Count ? types[i] : "?"), ParquetType.Read(type.Value)));
        }
    }

    private void ChooseColumns(List<ParquetFooter> footers)
    {
        SequenceColumn = _options.SequenceColumn ?? ByConvention();
        (ParquetColumnPath.Expression expression, string name) = Find(SequenceColumn);
        ParquetType leaf = expression.Leaf;
        _unnests = expression.IsList;
        _sequence = expression.Sql;
        if (leaf.IsBytes)
        {
            return;
        }

        // Enumerations and numbers that a file keeps as bytes (decimals, half floats, UUIDs) have a text form.
        string leafName = SequenceColumn[(SequenceColumn.LastIndexOf('.') + 1)..];
        if (!leaf.IsNested && (leaf.Kind == DuckDbType.Enum || footers[0].Schema.Exists(e => e.IsBytes && (e.Name == name || e.Name == leafName))))
        {
            _sequence = _unnests ? $"list_transform({_sequence}, lambda v: CAST(v AS VARCHAR))" : $"CAST({_sequence} AS VARCHAR)";
            return;
        }

        throw new InputDataException($"column '{SequenceColumn}' is not text or binary but {TypeOf(name)}", Files[0],
            "a text or binary column: " + ColumnList(), "another sequence column");
    }

    private string ByConvention()
    {
        foreach (string name in s_conventions)
        {
            int index = _columns.FindIndex(c => c.Type.IsBytes && c.Column.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (index >= 0)
            {
                return _columns[index].Column.Name;
            }
        }

        string[] texts = [.. _columns.Where(c => c.Type.IsBytes).Select(c => c.Column.Name)];
        return texts.Length == 1
            ? texts[0]
            : throw new InputDataException(
                texts.Length == 0 ? "no column is text or binary" : $"{texts.Length} columns are text or binary, and none has a known name",
                Files[0], "one of the columns: " + ColumnList(), Leaves() is { Length: > 0 } leaves ? $"name the sequence column: {leaves}" : null);
    }

    private (ParquetColumnPath.Expression Expression, string Column) Find(string path)
    {
        string[] parts = path.Split('.');
        string problem = "";
        for (int comparison = 0; comparison < 2; comparison++)
        {
            for (int used = parts.Length; used > 0; used--)
            {
                string name = string.Join('.', parts.AsSpan(0, used)!);
                int index = _columns.FindIndex(c => c.Column.Name.Equals(name, comparison == 0 ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase));
                if (index < 0)
                {
                    continue;
                }

                (ParquetColumn column, ParquetType type) = _columns[index];
                if (ParquetColumnPath.Resolve(Sql.Name(column.Name), type, parts.AsSpan(used), out problem) is ParquetColumnPath.Expression found)
                {
                    return (found, column.Name);
                }

                throw new InputDataException($"column '{path}' cannot be read: {problem} ({column.Type})", Files[0],
                    "a column, or a path into one: " + ColumnList(), Leaves() is { Length: > 0 } leaves ? leaves : null);
            }
        }

        throw new InputDataException($"there is no column '{path}'", Files[0], "one of the columns: " + ColumnList(),
            NearestNames.Find(path, _columns.Select(c => c.Column.Name), 1) is [string near] ? near : null);
    }

    private string Cast(string path, string type)
    {
        (ParquetColumnPath.Expression expression, string _) = Find(path);
        if (expression.IsList)
        {
            throw new InputDataException($"column '{path}' has several values a row", Files[0], "one value a row", "another column");
        }

        return $"CAST({expression.Sql} AS {type})";
    }

    private HashSet<string>? WantedColumns()
    {
        // A filter may use any column.
        if (_options.Where is not null)
        {
            return null;
        }

        var wanted = new HashSet<string>(StringComparer.Ordinal) { Find(SequenceColumn).Column };
        foreach (string? name in (string?[])[_options.IdColumn, _options.LabelColumn, _options.WeightColumn, .. _options.ExtraColumns])
        {
            if (name is not null)
            {
                wanted.Add(Find(name).Column);
            }
        }

        return wanted;
    }

    private string Scan(IReadOnlyList<string> paths) =>
        $"read_parquet([{string.Join(", ", paths.Select(Sql.Path))}], hive_partitioning = {(_hive ? "true" : "false")})";

    private DuckDbSession NewSession(int threads)
    {
        var session = new DuckDbSession(threads, _options.MemoryLimit ?? BaseMemory);
        try
        {
            // The scan expands even a pattern that stands for one file, so both forms must be allowed.
            IEnumerable<string> files = Files.Concat(_copies.Paths).Concat(_copies.Candidates);
            session.LockDown(files.Concat(files.Select(Sql.Pattern)).Distinct(StringComparer.Ordinal));
            return session;
        }
        catch (DuckDbException e)
        {
            session.Dispose();
            throw Translate(e);
        }
    }

    private void SetLimits(int threads, long largestRowGroup)
    {
        long limit = _options.MemoryLimit ?? BaseMemory;
        bool single = false;
        if (_options.MemoryLimit is null)
        {
            // Compressed bytes, decoded pages and the strings of a chunk are all there at once, each at most a row group.
            long most = Math.Max(BaseMemory, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2);
            long need = largestRowGroup > most / 3 ? most : 3 * largestRowGroup;
            single = threads > 1 && need > (most - BaseMemory) / threads;
            limit = Math.Min(most, BaseMemory + ((single ? 1 : threads) * need));
        }

        if (_session.IsLocked)
        {
            if (_session.MemoryLimit == limit)
            {
                return;
            }

            // Another column of the same files, which needs another limit.
            _session.Dispose();
            _session = NewSession(threads);
        }

        if (single)
        {
            _session.SetThreads(1);
        }

        _session.SetMemoryLimit(limit);
        _session.LockConfiguration();
    }

    private string TypeOf(string column) => _columns.Find(c => c.Column.Name == column).Column?.Type ?? "unknown";

    private string ColumnList()
    {
        const int MaxColumns = 40;
        string list = string.Join(", ", _columns.Take(MaxColumns).Select(c => $"{c.Column.Name} {c.Column.Type}"));
        return _columns.Count > MaxColumns ? $"{list}, and {_columns.Count - MaxColumns} more" : list.Length == 0 ? "the files' columns" : list;
    }

    private string Leaves() => string.Join(", ", _columns.SelectMany(c => c.Type.Leaves(c.Column.Name)).Take(20));
}
