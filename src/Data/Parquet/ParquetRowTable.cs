using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Text;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Parquet;

/// <summary>A table as Parquet. Rows go through a short queue to a thread in which DuckDB writes them.</summary>
internal sealed class ParquetRowTable : TableWriter, IChunkSource
{
    private const int ChunkRows = 1024;
    private const int GroupRows = 122_880;

    private readonly BlockingCollection<TableCell[][]> _queue = new(8);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _path;
    private readonly string _target;
    private readonly string _temporary;
    private readonly bool _force;
    private readonly Task _copy;
    private List<TableCell[]> _rows = [];
    private TableCell[][] _current = [];
    private int _next;
    private bool _closed;

    internal ParquetRowTable(string path, IReadOnlyList<TableColumn> columns, TableWriterOptions options)
        : base(columns)
    {
        _path = path;
        _target = Path.GetFullPath(path);
        _force = options.Output.Force;
        if (Directory.Exists(_target) || (!_force && File.Exists(_target)))
        {
            throw Exists();
        }

        _ = DuckDbApi.Instance; // what is missing is said here, not in the other thread
        TemporaryOutputName.RemoveStale(_target);
        _temporary = TemporaryOutputName.For(_target);
        Dictionary<string, string> metadata = new(options.Metadata) { ["genoseq.columns"] = string.Join(',', columns.Select(c => c.Name)) };
        _copy = Task.Factory.StartNew(() => ParquetWriter.Copy(this, _temporary, "zstd", GroupRows, metadata),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    IReadOnlyList<(string Name, DuckDbType Type)> IChunkSource.Columns =>
    [
        .. Columns.Select(c => (c.Name, c.Type switch
        {
            TableType.Integer => DuckDbType.BigInt,
            TableType.Number => DuckDbType.Double,
            _ => DuckDbType.Varchar,
        })),
    ];

    public override void Commit()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        Flush();
        _queue.CompleteAdding();
        Wait();
        _closed = true;
        try
        {
            File.Move(_temporary, _target, _force);
        }
        catch (IOException) when (!_force && File.Exists(_target))
        {
            TemporaryOutputName.Remove(_temporary);
            throw Exists();
        }

        Posix.SyncFolder(Path.GetDirectoryName(_target)!);
    }

    int IChunkSource.Fill(in ChunkWriter chunk, int capacity)
    {
        if (_next == _current.Length)
        {
            _next = 0;
            if (!_queue.TryTake(out TableCell[][]? taken, Timeout.Infinite, _stop.Token))
            {
                _current = [];
                return 0;
            }

            _current = taken;
        }

        int count = Math.Min(capacity, _current.Length - _next);
        for (int row = 0; row < count; row++)
        {
            TableCell[] cells = _current[_next++];
            for (int c = 0; c < cells.Length; c++)
            {
                Set(chunk, c, row, cells[c]);
            }
        }

        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (!_closed)
        {
            _closed = true;
            _stop.Cancel();
            try
            {
                _copy.Wait();
            }
            catch (AggregateException)
            {
                // It was told to stop, or failed for a reason that has been reported.
            }

            TemporaryOutputName.Remove(_temporary);
        }

        _stop.Dispose();
        _queue.Dispose();
    }

    private protected override void WriteRow(ReadOnlySpan<TableCell> row)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        _rows.Add(row.ToArray());
        if (_rows.Count == ChunkRows)
        {
            Flush();
        }
    }

    private void Set(in ChunkWriter chunk, int column, int row, in TableCell cell)
    {
        if (!cell.HasValue)
        {
            chunk.SetNull(column, row);
            return;
        }

        switch (Columns[column].Type)
        {
            case TableType.Integer:
                chunk.Set(column, row, cell.Integer);
                break;
            case TableType.Number:
                chunk.Set(column, row, cell.Number);
                break;
            default:
                chunk.Set(column, row, Encoding.UTF8.GetBytes(cell.Text));
                break;
        }
    }

    private void Flush()
    {
        if (_rows.Count == 0)
        {
            return;
        }

        TableCell[][] rows = [.. _rows];
        _rows = [];
        while (!_queue.TryAdd(rows, 100))
        {
            if (_copy.IsCompleted)
            {
                Wait();
            }
        }
    }

    private void Wait()
    {
        try
        {
            _copy.Wait();
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    private OutputException Exists() => Directory.Exists(_target)
        ? new OutputException(OutputProblem.Refused, "this is a folder", _path, "the name of a file", "a name inside the folder")
        : new OutputException(OutputProblem.Refused, "the file exists", _path, "a new file", "another name, or --force to replace it");
}
