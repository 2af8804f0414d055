namespace GenoSeq.Data;

/// <summary>The bytes on disk: counted, hashed if wanted, and with errors of the system put into words.</summary>
internal sealed class RawInputStream : ReadOnlyStream
{
    private readonly Stream _inner;
    private readonly string _name;
    private readonly bool _leaveOpen;
    private readonly Sha256Stage? _hash;
    private long _size;

    /// <param name="inner">The bytes.</param>
    /// <param name="name">What to call them in messages.</param>
    /// <param name="leaveOpen">Whether the stream stays the caller's.</param>
    /// <param name="digest">Whether to hash.</param>
    /// <param name="length">Bytes to come, negative if unknown: many are hashed on another thread.</param>
    internal RawInputStream(Stream inner, string name, bool leaveOpen, bool digest, long length)
    {
        _inner = inner;
        _name = name;
        _leaveOpen = leaveOpen;
        _hash = digest ? new Sha256Stage(length) : null;
    }

    public override int Read(Span<byte> buffer)
    {
        int n;
        try
        {
            n = _inner.Read(buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException(
                $"the file cannot be read to its end: {e.Message}", _name, "a readable file", inner: e);
        }
        _hash?.Append(buffer[..n]);
        _size += n;
        return n;
    }

    /// <summary>Reads what is left; size and SHA-256 of everything.</summary>
    internal (long Size, string Sha256) Finish()
    {
        if (_hash is null)
        {
            throw new InvalidOperationException("the file was opened without a digest");
        }
        Span<byte> rest = new byte[1 << 16];
        while (Read(rest) > 0)
        {
        }
        return (_size, _hash.Finish());
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash?.Dispose();
            if (!_leaveOpen)
            {
                _inner.Dispose();
            }
        }
        base.Dispose(disposing);
    }
}
