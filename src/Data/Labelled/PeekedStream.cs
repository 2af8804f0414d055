namespace GenoSeq.Data;

/// <summary>A stream whose first bytes can be looked at before they are read.</summary>
internal sealed class PeekedStream : ReadOnlyStream
{
    private const int MaxPeek = 4096;

    private readonly Stream _inner;
    private readonly byte[] _start = new byte[MaxPeek];
    private readonly int _length;
    private int _read;

    /// <param name="inner">Stays the caller's to close.</param>
    internal PeekedStream(Stream inner)
    {
        _inner = inner;
        _length = inner.ReadAtLeast(_start, MaxPeek, throwOnEndOfStream: false);
    }

    /// <summary>The first bytes, as many as there are up to 4,096.</summary>
    internal ReadOnlySpan<byte> Start => _start.AsSpan(0, _length);

    public override int Read(Span<byte> buffer)
    {
        if (_read == _length)
        {
            return _inner.Read(buffer);
        }
        int n = Math.Min(buffer.Length, _length - _read);
        _start.AsSpan(_read, n).CopyTo(buffer);
        _read += n;
        return n;
    }
}
