namespace GenoSeq.Data;

/// <summary>
/// Compresses to BGZF, block by block as bgzip does (65,280 bytes of content each), on several threads.
/// </summary>
/// <remarks>
/// <see cref="Complete"/> writes what is left and the end-of-file block. A writer that is disposed without it, because
/// something went wrong, leaves a file that every reader can tell is truncated.
/// </remarks>
#pragma warning disable CA1710 // A writer in the field's words, though a stream too.
public sealed class BgzfWriter : Stream
#pragma warning restore CA1710
{
    private readonly Stream _output;
    private readonly BgzfWriterOptions _options;
    private readonly OrderedPipeline<BgzfWriteBatch> _pipeline;
    private readonly Stack<BgzfWriteBatch> _free = new();
    private readonly List<BgzfWriteBatch> _all = [];
    private readonly List<long> _fileOffsets = [];
    private readonly List<long> _contentOffsets = [];
    private readonly int _depth;
    private BgzfWriteBatch _current;
    private long _written;
    private long _content;
    private long _accepted;
    private bool _completed;
    private bool _failed;
    private bool _disposed;

    /// <summary>Writes to a stream.</summary>
    /// <param name="output">Where the compressed bytes go.</param>
    /// <param name="options">Level and threads; null is the default.</param>
    public BgzfWriter(Stream output, BgzfWriterOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        _options = options ?? new BgzfWriterOptions();
        if (_options.Validate() is [var problem, ..])
        {
            throw new ArgumentOutOfRangeException(nameof(options), problem);
        }
        _output = output;
        int threads = new InputFileOptions { Threads = _options.Threads }.EffectiveThreads;
        _depth = threads == 1 ? 1 : 2 * threads + 1;
        _pipeline = new OrderedPipeline<BgzfWriteBatch>(threads);
        _current = FreeBatch();
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => !_completed && !_disposed;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <summary>Bytes of content written so far; cannot be set.</summary>
    public override long Position
    {
        get => _accepted;
        set => throw new NotSupportedException();
    }

    /// <summary>The index of what was written, after <see cref="Complete"/>.</summary>
    public BgzfIndex Index => _completed
        ? new BgzfIndex([.. _fileOffsets, _written], [.. _contentOffsets, _content])
        : throw new InvalidOperationException("the index is known when the file is complete");

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_completed || _failed)
        {
            throw new InvalidOperationException(_failed ? "an earlier write failed" : "the file is complete");
        }
        while (!buffer.IsEmpty)
        {
            int n = _current.Add(buffer);
            _accepted += n;
            buffer = buffer[n..];
            if (_current.IsFull)
            {
                GiveCurrent();
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void WriteByte(byte value) => Write([value]);

    /// <summary>Writes what is left and the end-of-file block.</summary>
    public void Complete()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_completed)
        {
            return;
        }
        Write([]);
        if (!_current.IsEmpty)
        {
            GiveCurrent();
        }
        while (_pipeline.Count > 0)
        {
            WriteOldest();
        }
        WriteOut(BgzfHeader.EndOfFile);
        _output.Flush();
        _completed = true;
    }

    /// <summary>Does nothing: where blocks end does not depend on who flushes.</summary>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _pipeline.Dispose();
            _all.ForEach(b => b.Dispose());
            if (!_options.LeaveOpen)
            {
                _output.Dispose();
            }
        }
        base.Dispose(disposing);
    }

    private void GiveCurrent()
    {
        _pipeline.Give(_current);
        if (_pipeline.Count >= _depth)
        {
            WriteOldest();
        }
        _current = FreeBatch();
    }

    private void WriteOldest()
    {
        BgzfWriteBatch batch = _pipeline.Take();
        if (batch.Failure is not null)
        {
            _failed = true;
            throw new InvalidOperationException("compression failed", batch.Failure);
        }
        long offset = _written;
        foreach ((int compressed, int content) in batch.Lengths)
        {
            _fileOffsets.Add(offset);
            _contentOffsets.Add(_content);
            offset += compressed;
            _content += content;
        }
        WriteOut(batch.Output);
        _free.Push(batch);
    }

    private void WriteOut(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _output.Write(bytes);
        }
        catch
        {
            _failed = true;
            throw;
        }
        _written += bytes.Length;
    }

    private BgzfWriteBatch FreeBatch()
    {
        if (!_free.TryPop(out BgzfWriteBatch? batch))
        {
            batch = new BgzfWriteBatch(_options.Level);
            _all.Add(batch);
        }
        batch.Clear();
        return batch;
    }
}
