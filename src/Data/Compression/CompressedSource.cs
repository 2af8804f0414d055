namespace GenoSeq.Data;

/// <summary>The compressed bytes of one input: buffered, looked at before they are taken, counted.</summary>
internal sealed class CompressedSource
{
    private const int ReadSize = 1 << 18;
    private const int SmallestBuffer = 1 << 12;

    private readonly Stream _stream;
    private byte[] _buffer;
    private int _start;
    private int _end;
    private bool _ended;

    /// <param name="stream">The bytes; stays the caller's.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="length">Bytes to come if known, else negative. It only chooses sizes of buffers.</param>
    internal CompressedSource(Stream stream, string name, long length = -1)
    {
        _stream = stream;
        Name = name;
        Length = length;
        _buffer = GC.AllocateUninitializedArray<byte>(
            length < 0 ? ReadSize : (int)Math.Clamp(length + 1, SmallestBuffer, ReadSize));
    }

    internal string Name { get; }

    internal long Length { get; }

    /// <summary>Offset of the next byte in the file.</summary>
    internal long Offset { get; private set; }

    /// <summary>Bytes that are there without reading.</summary>
    internal ReadOnlySpan<byte> Buffered => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Makes at least <paramref name="count"/> bytes available; false if the file ends before.</summary>
    internal bool Ensure(int count)
    {
        while (_end - _start < count && !_ended)
        {
            MakeRoom(count);
            int n = _stream.Read(_buffer.AsSpan(_end));
            _end += n;
            _ended = n == 0;
        }
        return _end - _start >= count;
    }

    internal void Advance(int count)
    {
        _start += count;
        Offset += count;
    }

    /// <summary>Reads on past the buffered bytes, without a copy where nothing is buffered.</summary>
    internal int Read(Span<byte> destination)
    {
        if (_start == _end && !_ended)
        {
            int n = _stream.Read(destination);
            Offset += n;
            return n;
        }
        int taken = Math.Min(destination.Length, _end - _start);
        _buffer.AsSpan(_start, taken).CopyTo(destination);
        Advance(taken);
        return taken;
    }

    private void MakeRoom(int count)
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        if (_start + count <= _buffer.Length && _end < _buffer.Length)
        {
            return;
        }
        byte[] target = count <= _buffer.Length
            ? _buffer
            : GC.AllocateUninitializedArray<byte>(Math.Max(count, 2 * _buffer.Length));
        _buffer.AsSpan(_start, _end - _start).CopyTo(target);
        _end -= _start;
        _start = 0;
        _buffer = target;
    }
}
