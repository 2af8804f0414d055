using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data;

/// <summary>
/// The rows of <see cref="ParquetReader.Rows()"/>, one at a time, in the files' order. Spans point into the decoder's memory
/// and are valid until the next <see cref="MoveNext"/>.
/// </summary>
public sealed class ParquetSequenceRows : IDisposable
{
    private readonly ParquetReader _reader;
    private readonly DuckDbCursor _cursor;
    private readonly ParquetSequenceOptions _options;
    private readonly int _id;
    private readonly int _label;
    private readonly int _weight;
    private readonly int _extra;
    private readonly int _file;
    private int _row = -1;
    private bool _disposed;

    internal ParquetSequenceRows(ParquetReader reader, DuckDbCursor cursor, ParquetSequenceOptions options, bool withFile)
    {
        _reader = reader;
        _cursor = cursor;
        _options = options;
        int next = 1;
        _id = options.IdColumn is null ? -1 : next++;
        _label = options.LabelColumn is null ? -1 : next++;
        _weight = options.WeightColumn is null ? -1 : next++;
        _extra = next;
        _file = withFile ? next + options.ExtraColumns.Count : -1;
    }

    /// <summary>Number of the current sequence among those selected, 1-based; skipped NULLs count.</summary>
    public long Number { get; private set; }

    /// <summary>The letters, as they stand in the file.</summary>
    public ReadOnlySpan<byte> Sequence => _cursor.Bytes(0, _row);

    /// <summary>The id as UTF-8 text; empty without an id column or where it is NULL.</summary>
    public ReadOnlySpan<byte> Id => TextOf(_id);

    /// <summary>The label as UTF-8 text; empty without a label column or where it is NULL.</summary>
    public ReadOnlySpan<byte> Label => TextOf(_label);

    /// <summary>The weight; 1 without a weight column, NaN where it is NULL.</summary>
    public double Weight => _weight < 0 ? 1 : _cursor.IsNull(_weight, _row) ? double.NaN : _cursor.Double(_weight, _row);

    /// <summary>The value of <see cref="ParquetSequenceOptions.ExtraColumns"/>[<paramref name="index"/>] as UTF-8 text; empty where it is NULL.</summary>
    public ReadOnlySpan<byte> Extra(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _options.ExtraColumns.Count);
        return TextOf(_extra + index);
    }

    /// <summary>Index of the row's file, where it was asked for; else 0.</summary>
    internal int File => _file < 0 ? 0 : (int)_cursor.Int64(_file, _row);

    /// <summary>Goes to the next row; false at the end.</summary>
    /// <exception cref="InputDataException">The file is corrupt from here on, or the sequence is NULL and NULLs are refused.</exception>
    public bool MoveNext()
    {
        while (true)
        {
            if (++_row >= _cursor.Rows)
            {
                _row = -1;
                if (!Fetch())
                {
                    return false;
                }

                continue;
            }

            Number++;
            if (!_cursor.IsNull(0, _row))
            {
                return true;
            }

            if (_options.Nulls == ParquetNulls.Error)
            {
                throw _reader.NullError(Number);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _cursor.Dispose();
            _reader.Return();
        }
    }

    private bool Fetch()
    {
        try
        {
            return _cursor.Next();
        }
        catch (DuckDbException e)
        {
            throw _reader.Translate(e, Number);
        }
    }

    private ReadOnlySpan<byte> TextOf(int column) => column < 0 || _cursor.IsNull(column, _row) ? [] : _cursor.Bytes(column, _row);
}
