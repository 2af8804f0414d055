namespace GenoSeq.Data.Tests;

/// <summary>Hands out at most so many bytes at once, as pipes do.</summary>
internal sealed class TrickleStream(byte[] bytes, int atMost) : ReadOnlyStream
{
    private int _read;

    public override int Read(Span<byte> buffer)
    {
        int n = Math.Min(Math.Min(atMost, buffer.Length), bytes.Length - _read);
        bytes.AsSpan(_read, n).CopyTo(buffer);
        _read += n;
        return n;
    }
}
