namespace GenoSeq.Torch.Safetensors;

/// <summary>Passes one tensor's bytes on to a stream and counts them: a wrong count would shift every tensor after it.</summary>
internal sealed class ExactLengthStream(Stream inner, long length, string path, string tensor) : Stream
{
    private long written;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => written;
        set => throw new NotSupportedException();
    }

    public void CheckComplete()
    {
        if (written != length) throw Wrong($"only {written} bytes were written");
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > length - written)
            throw Wrong($"at least {written + buffer.Length} bytes were written");
        inner.Write(buffer);
        written += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private SafetensorsException Wrong(string problem) => new(path, tensor, problem, $"{length} for its shape and dtype",
        "the bytes of a contiguous tensor of that shape");
}
