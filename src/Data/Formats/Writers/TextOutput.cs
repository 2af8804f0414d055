namespace GenoSeq.Data;

/// <summary>A text file being written: BGZF where its name ends in <c>.gz</c> or <c>.bgz</c>, plain otherwise.</summary>
internal sealed class TextOutput : IDisposable
{
    private const int BufferSize = 1 << 16;

    private readonly AtomicOutput? _output;
    private readonly BgzfWriter? _bgzf;
    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[BufferSize];
    private int _filled;

    private TextOutput(AtomicOutput? output, BgzfWriter? bgzf, Stream stream)
    {
        _output = output;
        _bgzf = bgzf;
        _stream = stream;
    }

    /// <summary>The index of a BGZF file after <see cref="Commit"/>; null for a plain one.</summary>
    internal BgzfIndex? Index => _bgzf?.Index;

    public void Dispose()
    {
        _bgzf?.Dispose();
        _output?.Dispose();
    }

    internal static bool IsCompressed(string path) =>
        path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".bgz", StringComparison.OrdinalIgnoreCase);

    internal static TextOutput Create(string path, OutputOptions options, BgzfWriterOptions bgzf)
    {
        AtomicOutput output = AtomicOutput.Create(path, options);
        BgzfWriter? writer = IsCompressed(path) ? new BgzfWriter(output.Stream, bgzf with { LeaveOpen = true }) : null;
        return new TextOutput(output, writer, writer ?? output.Stream);
    }

    /// <summary>Writes to a stream that stays the caller's.</summary>
    internal static TextOutput To(Stream stream) => new(null, null, stream);

    internal void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _filled)
        {
            FlushBuffer();
            if (bytes.Length >= _buffer.Length)
            {
                _stream.Write(bytes);
                return;
            }
        }
        bytes.CopyTo(_buffer.AsSpan(_filled));
        _filled += bytes.Length;
    }

    internal void Write(byte value)
    {
        if (_filled == _buffer.Length)
        {
            FlushBuffer();
        }
        _buffer[_filled++] = value;
    }

    /// <summary>Room for a short piece of text; say with <see cref="Advance"/> what was used.</summary>
    internal Span<byte> GetSpan(int length)
    {
        if (_buffer.Length - _filled < length)
        {
            FlushBuffer();
        }
        return _buffer.AsSpan(_filled);
    }

    internal void Advance(int length) => _filled += length;

    internal void Commit()
    {
        FlushBuffer();
        _bgzf?.Complete();
        if (_output is null)
        {
            _stream.Flush();
        }
        _output?.Commit();
    }

    private void FlushBuffer()
    {
        _stream.Write(_buffer.AsSpan(0, _filled));
        _filled = 0;
    }
}
