using System.Buffers;

namespace GenoSeq.Data;

/// <summary>
/// The unread part of a stream that a text reader looks at: one pooled buffer that slides along, and grows only when
/// one line or record does not fit and only as far as bytes really arrive.
/// </summary>
internal sealed class ByteWindow(Stream stream, int capacity) : IDisposable
{
    private const int FirstSize = 1 << 16;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Min(FirstSize, capacity));
    private int _start;
    private int _end;
    private bool _started;
    private bool _ended;

    /// <summary>Bytes that were read and not yet consumed. Valid until the next call of <see cref="Fill"/>.</summary>
    internal Span<byte> Content => _buffer.AsSpan(_start, _end - _start);

    /// <summary>True if <see cref="Content"/> is as long as it may become.</summary>
    internal bool IsFull => _end - _start >= capacity;

    /// <summary>Appends more bytes to <see cref="Content"/>; false at the end of the stream.</summary>
    internal bool Fill()
    {
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        if (_ended)
        {
            return false;
        }
        if (_end == _buffer.Length)
        {
            MakeRoom();
        }
        int n = stream.Read(_buffer.AsSpan(_end));
        if (n == 0)
        {
            _ended = true;
            return false;
        }
        _end += n;
        if (!_started)
        {
            SkipByteOrderMark();
        }
        return _end > _start || Fill();
    }

    internal void Consume(int bytes) => _start += bytes;

    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _start = _end = 0;
        }
    }

    private void MakeRoom()
    {
        int held = _end - _start;
        // Sliding costs a copy of what is held, so it must free at least half of the buffer to be worth it.
        byte[] target = held <= _buffer.Length / 2
            ? _buffer
            : ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, 2L * _buffer.Length));
        _buffer.AsSpan(_start, held).CopyTo(target);
        if (target != _buffer)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = target;
        }
        _start = 0;
        _end = held;
    }

    private void SkipByteOrderMark()
    {
        while (_end < 3)
        {
            int n = stream.Read(_buffer.AsSpan(_end, 3 - _end));
            if (n == 0)
            {
                _ended = true;
                break;
            }
            _end += n;
        }
        _started = true;
        if (_buffer.AsSpan(0, _end).StartsWith("\uFEFF"u8))
        {
            _start = 3;
        }
    }
}
