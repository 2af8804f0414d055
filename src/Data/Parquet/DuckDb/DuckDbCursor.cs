namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary>The rows of a query, a chunk (up to 2,048 rows) at a time. Spans live until the next <see cref="Next"/>.</summary>
internal sealed unsafe class DuckDbCursor : IDisposable
{
    private readonly DuckDbApi _api;
    private readonly ResultHandle _result;
    private readonly nint[] _data;
    private readonly nint[] _validity;
    private nint _chunk;

    internal DuckDbCursor(DuckDbApi api, ResultHandle result)
    {
        _api = api;
        _result = result;
        int columns = checked((int)api.ColumnCount(result.Result));
        _data = new nint[columns];
        _validity = new nint[columns];
    }

    /// <summary>Rows of the current chunk.</summary>
    internal int Rows { get; private set; }

    internal int Columns => _data.Length;

    internal string Name(int column) => DuckDbApi.Text(_api.ColumnName(_result.Result, (ulong)column));

    internal LogicalTypeHandle Type(int column)
    {
        var type = new LogicalTypeHandle();
        type.Attach(_api.ColumnLogicalType(_result.Result, (ulong)column));
        return type;
    }

    /// <summary>Fetches the next chunk that has rows; false at the end.</summary>
    /// <exception cref="DuckDbException">The query failed on its way.</exception>
    internal bool Next()
    {
        do
        {
            Drop();
            _chunk = _api.FetchChunk(*_result.Result);
            if (_chunk == 0)
            {
                byte* error = _api.ResultError(_result.Result);
                if (error != null && *error != 0)
                {
                    throw new DuckDbException(DuckDbApi.Text(error));
                }

                return false;
            }

            Rows = checked((int)_api.DataChunkGetSize(_chunk));
        }
        while (Rows == 0);
        for (int i = 0; i < _data.Length; i++)
        {
            nint vector = _api.DataChunkGetVector(_chunk, (ulong)i);
            _data[i] = (nint)_api.VectorGetData(vector);
            _validity[i] = (nint)_api.VectorGetValidity(vector);
        }

        return true;
    }

    internal bool IsNull(int column, int row)
    {
        ulong* mask = (ulong*)_validity[column];
        return mask != null && (mask[row >> 6] >> (row & 63) & 1) == 0;
    }

    /// <summary>Bytes of a VARCHAR or BLOB value that is not NULL.</summary>
    internal ReadOnlySpan<byte> Bytes(int column, int row) => DuckDbString.Bytes((DuckDbString*)_data[column] + row);

    internal double Double(int column, int row) => ((double*)_data[column])[row];

    internal long Int64(int column, int row) => ((long*)_data[column])[row];

    internal string Text(int column, int row) => System.Text.Encoding.UTF8.GetString(Bytes(column, row));

    /// <inheritdoc/>
    public void Dispose()
    {
        Drop();
        _result.Dispose();
    }

    private void Drop()
    {
        Rows = 0;
        if (_chunk != 0)
        {
            nint chunk = _chunk;
            _chunk = 0;
            _api.DestroyDataChunk(&chunk);
        }
    }
}
