using System.Globalization;
using System.Text;

namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary>An in-memory database with one connection, shut off from the network, from extensions and from the home folder.</summary>
internal sealed unsafe class DuckDbSession : IDisposable
{
    private const int SelectStatement = 1;

    private readonly DuckDbApi _api = DuckDbApi.Instance;
    private readonly DatabaseHandle _database = new();
    private readonly ConnectionHandle _connection = new();

    /// <summary>Opens the database.</summary>
    /// <param name="threads">Worker threads, this one included.</param>
    /// <param name="memoryLimit">Bytes that its buffers may take.</param>
    /// <exception cref="MissingNativeLibraryException">DuckDB is not installed.</exception>
    internal DuckDbSession(int threads, long memoryLimit)
    {
        Threads = threads;
        using var config = new ConfigHandle();
        nint raw = 0;
        Check(_api.CreateConfig(&raw) == 0, "the library's configuration could not be made");
        config.Attach(raw);
        Set(config, "threads", threads.ToString(CultureInfo.InvariantCulture));
        Set(config, "memory_limit", Megabytes(memoryLimit));
        // Nothing here needs to spill; an empty name keeps the default, a folder in the current one, from being made.
        Set(config, "temp_directory", "");
        Set(config, "preserve_insertion_order", "true");
        Set(config, "autoinstall_known_extensions", "false");
        Set(config, "autoload_known_extensions", "false");
        Set(config, "allow_community_extensions", "false");
        Set(config, "allow_persistent_secrets", "false");
        // Its cache of file contents would count as ours; the system's page cache does the same work.
        Set(config, "enable_external_file_cache", "false");
        byte* error = null;
        nint database = 0;
        if (_api.OpenExt(null, &database, config.Value, &error) != 0)
        {
            string text = DuckDbApi.Text(error);
            _api.Free(error);
            throw new DuckDbException(text);
        }

        _database.Attach(database);
        nint connection = 0;
        Check(_api.Connect(database, &connection) == 0, "no connection");
        _connection.Attach(connection);
    }

    internal int Threads { get; }

    /// <summary>Bytes that its buffers may take.</summary>
    internal long MemoryLimit { get; private set; }

    /// <summary>True once no setting can change any more.</summary>
    internal bool IsLocked { get; private set; }

    /// <summary>Connection, for the registration of table functions.</summary>
    internal nint Connection => _connection.Value;

    internal void SetMemoryLimit(long bytes)
    {
        Execute($"SET memory_limit = '{Megabytes(bytes)}'");
        MemoryLimit = bytes;
    }

    internal void SetThreads(int threads) => Execute(string.Create(CultureInfo.InvariantCulture, $"SET threads = {threads}"));

    /// <summary>From here on this database reads <paramref name="files"/> and nothing else, whatever a query says.</summary>
    internal void LockDown(IEnumerable<string> files)
    {
        Execute($"SET allowed_paths = [{string.Join(", ", files.Select(Sql.Text))}]");
        Execute("SET enable_external_access = false");
    }

    /// <summary>Lets no later statement change a setting.</summary>
    internal void LockConfiguration()
    {
        Execute("SET lock_configuration = true");
        IsLocked = true;
    }

    /// <summary>Runs one statement to its end.</summary>
    internal void Execute(string sql)
    {
        using DuckDbCursor cursor = Run(sql, mustSelect: false);
        while (cursor.Next())
        {
        }
    }

    /// <summary>Runs one SELECT, whose rows are fetched as they are made.</summary>
    /// <exception cref="DuckDbException">The text is not one SELECT, or DuckDB refuses it.</exception>
    internal DuckDbCursor Select(string sql) => Run(sql, mustSelect: true);

    /// <summary>Makes a running query stop; for another thread.</summary>
    internal void Interrupt() => _api.Interrupt(_connection.Value);

    /// <inheritdoc/>
    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    private DuckDbCursor Run(string sql, bool mustSelect)
    {
        using PreparedHandle prepared = Prepare(sql, mustSelect);
        using var pending = new PendingHandle();
        nint raw = 0;
        int state = _api.PendingPreparedStreaming(prepared.Value, &raw);
        pending.Attach(raw);
        if (state != 0)
        {
            throw new DuckDbException(DuckDbApi.Text(_api.PendingError(raw)));
        }

        var result = new ResultHandle();
        if (_api.ExecutePending(raw, result.Result) != 0)
        {
            string text = DuckDbApi.Text(_api.ResultError(result.Result));
            result.Dispose();
            throw new DuckDbException(text);
        }

        return new DuckDbCursor(_api, result);
    }

    private PreparedHandle Prepare(string sql, bool mustSelect)
    {
        byte[] text = Encoding.UTF8.GetBytes(sql + '\0');
        using var statements = new StatementsHandle();
        var prepared = new PreparedHandle();
        nint raw = 0;
        ulong count;
        fixed (byte* p = text)
        {
            count = _api.ExtractStatements(_connection.Value, p, &raw);
        }

        statements.Attach(raw);
        Check(count != 0, count == 0 ? DuckDbApi.Text(_api.ExtractStatementsError(raw)) : "");
        Check(count == 1, "Parser Error: more than one statement");
        nint statement = 0;
        int state = _api.PrepareExtractedStatement(_connection.Value, raw, 0, &statement);
        prepared.Attach(statement);
        if (state != 0)
        {
            string error = DuckDbApi.Text(_api.PrepareError(statement));
            prepared.Dispose();
            throw new DuckDbException(error);
        }

        Check(!mustSelect || _api.PreparedStatementType(statement) == SelectStatement, "Parser Error: not a query");
        return prepared;
    }

    private void Set(ConfigHandle config, string name, string value)
    {
        fixed (byte* n = Encoding.UTF8.GetBytes(name + '\0'), v = Encoding.UTF8.GetBytes(value + '\0'))
        {
            Check(_api.SetConfig(config.Value, n, v) == 0, $"this version of the library does not know {name}");
        }
    }

    private static string Megabytes(long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, bytes >> 20)}MiB");

    private static void Check(bool good, string problem)
    {
        if (!good)
        {
            throw new DuckDbException(problem);
        }
    }
}
