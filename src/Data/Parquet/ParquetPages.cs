using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data.Parquet;

/// <summary>Walks the pages of a column chunk as the native decoder does, without trusting them.</summary>
internal ref struct ParquetPages
{
    private const int UsualHeaderBytes = 1 << 9;
    private const int MaxHeaderBytes = 1 << 20;

    private readonly SafeFileHandle _file;
    private readonly long _length;
    private readonly long _values;
    private byte[] _buffer = new byte[UsualHeaderBytes];
    private long _next;
    private long _seen;

    internal ParquetPages(SafeFileHandle file, ParquetRowGroup group, ParquetChunk chunk)
    {
        _file = file;
        _length = RandomAccess.GetLength(file);
        _next = chunk.FirstPage;
        // The decoder goes on until it has the group's rows, whatever the chunk says of its values.
        _values = Math.Max(chunk.Values, group.Rows);
    }

    /// <summary>The current page.</summary>
    internal PageHeader Page { get; private set; }

    /// <summary>Its header's bytes.</summary>
    internal readonly ReadOnlySpan<byte> Header => _buffer.AsSpan(0, Page.HeaderBytes);

    /// <summary>Goes to the next page; false after the last.</summary>
    /// <exception cref="FormatException">It is damaged, or leaves the file.</exception>
    internal bool MoveNext()
    {
        if (_seen >= _values || _next >= _length)
        {
            return false;
        }

        ThriftCompact.Require(_next >= 0);
        Page = ReadHeader();
        _next += Page.HeaderBytes;
        ThriftCompact.Require(Page.CompressedSize >= 0 && Page.UncompressedSize >= 0 && Page.CompressedSize <= _length - _next && Page.Values >= 0);
        _next += Page.CompressedSize;
        _seen += Page.Values;
        return true;
    }

    /// <summary>The current page's bytes after its header.</summary>
    internal readonly byte[] Body()
    {
        byte[] body = new byte[Page.CompressedSize];
        ThriftCompact.Require(RandomAccess.Read(_file, body, _next - body.Length) == body.Length);
        return body;
    }

    // Headers with long statistics are rare: more is read only when the usual does not hold one.
    private PageHeader ReadHeader()
    {
        while (true)
        {
            int got = RandomAccess.Read(_file, _buffer, _next);
            try
            {
                return PageHeader.Read(_buffer.AsSpan(0, got));
            }
            catch (FormatException) when (got == _buffer.Length && _buffer.Length < MaxHeaderBytes)
            {
                _buffer = new byte[MaxHeaderBytes];
            }
        }
    }
}
