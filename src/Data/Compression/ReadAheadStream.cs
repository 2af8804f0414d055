using System.Runtime.ExceptionServices;

namespace GenoSeq.Data;

/// <summary>Reads a stream on another thread, a few pieces ahead of its consumer. Owns the stream.</summary>
internal sealed class ReadAheadStream : ReadOnlyStream
{
    private const int PieceLength = 1 << 18;
    private const int MaxPieces = 4;

    private readonly Stream _inner;
    private readonly bool _mayBlock;
    private readonly Queue<Piece> _ahead = new();
    private readonly Stack<Piece> _free = new();
    private Task _last = Task.CompletedTask;
    private Piece? _current;
    private int _taken;
    private volatile bool _stopped;
    private volatile bool _innerEnded;

    /// <param name="inner">What to read.</param>
    /// <param name="mayBlock">Whether a read may wait for ever, as for a pipe: closing then does not wait for it.</param>
    internal ReadAheadStream(Stream inner, bool mayBlock)
    {
        _inner = inner;
        _mayBlock = mayBlock;
        for (int i = 0; i < MaxPieces; i++)
        {
            _free.Push(new Piece());
        }
    }

    public override int Read(Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            if (_current is not null && _taken < _current.Length)
            {
                int n = Math.Min(buffer.Length, _current.Length - _taken);
                _current.Bytes.AsSpan(_taken, n).CopyTo(buffer);
                _taken += n;
                return n;
            }
            if (!NextPiece())
            {
                return 0;
            }
        }
        return 0;
    }

    /// <summary>Reads no further; returns when nothing reads any more.</summary>
    internal void Stop()
    {
        _stopped = true;
        _last.Wait();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stopped = true;
            if (_mayBlock && !_last.IsCompleted)
            {
                _last.ContinueWith(_ => _inner.Dispose(), TaskScheduler.Default);
            }
            else
            {
                _last.Wait();
                _inner.Dispose();
            }
        }
        base.Dispose(disposing);
    }

    private bool NextPiece()
    {
        if (_current is not null)
        {
            _current.Failure?.Throw();
            _free.Push(_current);
            _current = null;
        }
        while (!_innerEnded && _free.TryPop(out Piece? piece))
        {
            _last = _last.ContinueWith(_ => Fill(piece), TaskScheduler.Default);
            piece.Filled = _last;
            _ahead.Enqueue(piece);
        }
        if (!_ahead.TryDequeue(out _current))
        {
            return false;
        }
        _taken = 0;
        _current.Filled.Wait();
        return true;
    }

    private void Fill(Piece piece)
    {
        piece.Length = 0;
        piece.Failure = null;
        try
        {
            while (!_stopped && !_innerEnded && piece.Length < PieceLength)
            {
                int n = _inner.Read(piece.Bytes.AsSpan(piece.Length));
                piece.Length += n;
                _innerEnded |= n == 0;
            }
        }
#pragma warning disable CA1031 // Handed to the thread that reads.
        catch (Exception e)
#pragma warning restore CA1031
        {
            piece.Failure = ExceptionDispatchInfo.Capture(e);
            _innerEnded = true;
        }
    }

    private sealed class Piece
    {
        internal byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(PieceLength);

        internal int Length { get; set; }

        internal ExceptionDispatchInfo? Failure { get; set; }

        internal Task Filled { get; set; } = Task.CompletedTask;
    }
}
