namespace GenoSeq.Data;

/// <summary>The lines of a piece of text with LF, CRLF or CR ends, without them.</summary>
internal ref struct ByteLines(ReadOnlySpan<byte> text)
{
    private ReadOnlySpan<byte> _rest = text;

    public ReadOnlySpan<byte> Current { get; private set; }

    public readonly ByteLines GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }
        int end = _rest.IndexOfAny((byte)'\n', (byte)'\r');
        if (end < 0)
        {
            Current = _rest;
            _rest = default;
            return true;
        }
        Current = _rest[..end];
        bool pair = _rest[end] == (byte)'\r' && end + 1 < _rest.Length && _rest[end + 1] == (byte)'\n';
        _rest = _rest[(end + (pair ? 2 : 1))..];
        return true;
    }
}
