namespace GenoSeq.Data;

/// <summary>The stream of an <see cref="AtomicOutput"/>: buffered, and with the system's errors put into words.</summary>
internal sealed class OutputStream(Stream inner, string path) : Stream
{
    private long _written;

    public override bool CanRead => false;

    public override bool CanSeek => inner.CanSeek;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position;
        set => Try(() => inner.Position = value);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            inner.Write(buffer);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not OutputException)
        {
            throw OutputException.From(e, path, _written);
        }
        _written += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void WriteByte(byte value) => Write([value]);

    public override void Flush() => Try(inner.Flush);

    public override long Seek(long offset, SeekOrigin origin)
    {
        long position = 0;
        Try(() => position = inner.Seek(offset, origin));
        return position;
    }

    public override void SetLength(long value) => Try(() => inner.SetLength(value));

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    // Writers on top may close their stream; what it ends in is for the AtomicOutput alone to say.
    protected override void Dispose(bool disposing) => base.Dispose(disposing);

    internal void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not OutputException)
        {
            throw OutputException.From(e, path, _written);
        }
    }
}
