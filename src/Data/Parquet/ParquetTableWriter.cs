using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Parquet;

/// <summary>A table as Parquet. Rows go through a short queue to a thread in which DuckDB writes them.</summary>
internal sealed class ParquetTableWriter : TableWriter
{
    private const int ChunkRows = 1024;

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

    internal ParquetTableWriter(string path, IReadOnlyList<TableColumn> columns, TableWriterOptions options)
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
        var table = new ParquetTable();
        foreach (TableColumn column in columns)
        {
            table.Add(column.Name, column.Type switch
            {
                TableType.Integer => ParquetTableType.Int64,
                TableType.Number => ParquetTableType.Double,
                _ => ParquetTableType.Text,
            });
        }

        foreach ((string key, string value) in options.Metadata)
        {
            table.Metadata[key] = value;
        }

        table.Metadata["genoseq.columns"] = string.Join(',', columns.Select(c => c.Name));
        _copy = Task.Factory.StartNew(() => table.Copy(_temporary, Next), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

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

    // In DuckDB's thread.
    private bool Next(ParquetTableRow row)
    {
        if (_next == _current.Length)
        {
            _next = 0;
            if (!_queue.TryTake(out TableCell[][]? taken, Timeout.Infinite, _stop.Token))
            {
                _current = [];
                return false;
            }

            _current = taken;
        }

        TableCell[] cells = _current[_next++];
        for (int c = 0; c < cells.Length; c++)
        {
            Add(row, Columns[c].Type, cells[c]);
        }

        return true;
    }

    private static void Add(ParquetTableRow row, TableType type, in TableCell cell)
    {
        if (!cell.HasValue)
        {
            row.AddNothing();
            return;
        }

        switch (type)
        {
            case TableType.Integer:
                row.Add(cell.Integer);
                break;
            case TableType.Number:
                row.Add(cell.Number);
                break;
            default:
                row.Add(cell.Text);
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
