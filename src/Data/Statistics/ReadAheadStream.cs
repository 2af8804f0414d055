using System.Collections.Concurrent;

namespace GenoSeq.Data;

/// <summary>Reads another stream on a thread of its own, a few blocks ahead: decompression beside counting.</summary>
internal sealed class ReadAheadStream : ReadOnlyStream
{
    private const int BlockSize = 1 << 18;
    private const int Blocks = 4;

    private readonly BlockingCollection<(byte[] Bytes, int Length)> _full = new(Blocks);
    private readonly BlockingCollection<byte[]> _free = new(Blocks);
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private Exception? _failure;
    private (byte[] Bytes, int Length) _current;
    private int _read;

    internal ReadAheadStream(Stream inner)
    {
        for (int i = 0; i < Blocks; i++)
        {
            _free.Add(GC.AllocateUninitializedArray<byte>(BlockSize));
        }
        _thread = new Thread(() => Fill(inner)) { IsBackground = true };
        _thread.Start();
    }

    public override int Read(Span<byte> buffer)
    {
        if (_read == _current.Length)
        {
            if (_current.Bytes is not null)
            {
                _free.Add(_current.Bytes);
            }
            if (!_full.TryTake(out _current, Timeout.Infinite))
            {
                _current = default;
                _read = 0;
                return _failure switch
                {
                    null => 0,
                    InputDataException e => throw new InputDataException(e.What, e.Where, e.Expected, e.Try, e),
                    Exception e => throw new IOException(e.Message, e),
                };
            }
            _read = 0;
        }
        int n = Math.Min(buffer.Length, _current.Length - _read);
        _current.Bytes.AsSpan(_read, n).CopyTo(buffer);
        _read += n;
        return n;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // The inner stream may be closed by its owner only when no read is under way.
            _stop.Cancel();
            _thread.Join();
            _stop.Dispose();
            _full.Dispose();
            _free.Dispose();
        }
        base.Dispose(disposing);
    }

    private void Fill(Stream inner)
    {
        try
        {
            while (true)
            {
                byte[] block = _free.Take(_stop.Token);
                int n = inner.Read(block);
                if (n == 0)
                {
                    break;
                }
                _full.Add((block, n), _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
        }
#pragma warning disable CA1031 // Carried over to the reading thread.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = e;
        }
        _full.CompleteAdding();
    }
}
