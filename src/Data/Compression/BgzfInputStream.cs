namespace GenoSeq.Data;

/// <summary>Decompresses BGZF from start to end, blocks side by side on several threads.</summary>
/// <remarks>
/// A file must end in an empty block, as bgzip and samtools write it: without it a file cut at a block's end would look
/// whole. Plain gzip members after the blocks are read too; such a file needs no empty block.
/// </remarks>
internal sealed class BgzfInputStream : ReadOnlyStream
{
    // Blocks are short work for a thread, so that a megabyte goes to one at a time.
    private const int BlocksPerBatch = 16;
    private const int SmallBlocksPerBatch = 2;
    private const long SmallLength = 1 << 16;

    private readonly CompressedSource _source;
    private readonly OrderedPipeline<BgzfBatch> _pipeline;
    private readonly List<BgzfBatch> _all = [];
    private readonly Stack<BgzfBatch> _free = new();
    private readonly int _depth;
    private readonly int _blocksPerBatch;

    private BgzfBatch? _current;
    private int _taken;
    private bool _sourceEnded;
    private bool _lastWasEmpty;
    private InputDataException? _sourceFailure;
    private Exception? _failure;
    private GzipInputStream? _members;

    internal BgzfInputStream(CompressedSource source, int threads)
    {
        _source = source;
        bool small = source.Length is >= 0 and < SmallLength;
        threads = small ? 1 : threads;
        _depth = threads == 1 ? 1 : 2 * threads + 1;
        _blocksPerBatch = small ? SmallBlocksPerBatch : BlocksPerBatch;
        _pipeline = new OrderedPipeline<BgzfBatch>(threads);
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }
        while (true)
        {
            if (_current is not null && _taken < _current.Content.Length)
            {
                int n = Math.Min(buffer.Length, _current.Content.Length - _taken);
                _current.Content.Slice(_taken, n).CopyTo(buffer);
                _taken += n;
                return n;
            }
            if (_members is not null && _failure is null)
            {
                return _members.Read(buffer);
            }
            if (!NextBatch())
            {
                return 0;
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _pipeline.Dispose();
            _all.ForEach(b => b.Dispose());
            _all.Clear();
            _members?.Dispose();
        }
        base.Dispose(disposing);
    }

    // False at the end. Errors come where the reader gets to them, after all that was good before.
    private bool NextBatch()
    {
        if (_failure is not null)
        {
            throw _failure is InputDataException known
                ? new InputDataException(known.What, known.Where, known.Expected, known.Try, known)
                : new InvalidOperationException("reading on after a failure", _failure);
        }
        if (_current is not null)
        {
            if (_current.Failure is not null)
            {
                throw _failure = _current.Failure;
            }
            _free.Push(_current);
            _current = null;
        }
        while (!_sourceEnded && _pipeline.Count < _depth)
        {
            GiveBatch();
        }
        if (_pipeline.Count > 0)
        {
            _current = _pipeline.Take();
            _taken = 0;
            return true;
        }
        if (_sourceFailure is not null)
        {
            throw _failure = _sourceFailure;
        }
        return _members is not null;
    }

    private void GiveBatch()
    {
        BgzfBatch batch = FreeBatch();
        batch.Clear();
        try
        {
            Fill(batch);
        }
        catch (InputDataException e)
        {
            _sourceFailure = e;
            _sourceEnded = true;
        }
        if (batch.IsEmpty)
        {
            _free.Push(batch);
        }
        else
        {
            _pipeline.Give(batch);
        }
    }

    private void Fill(BgzfBatch batch)
    {
        while (batch.HasRoom)
        {
            switch (GzipFormat.Next(_source, out BgzfHeader header))
            {
                case GzipNext.BgzfBlock:
                    _lastWasEmpty = batch.Add(_source, header) == 0;
                    break;
                case GzipNext.Member:
                    _members = new GzipInputStream(_source);
                    _sourceEnded = true;
                    return;
                default:
                    _sourceEnded = true;
                    if (!_lastWasEmpty)
                    {
                        throw BgzfErrors.NoEndOfFile(_source.Name, _source.Offset);
                    }
                    return;
            }
        }
    }

    private BgzfBatch FreeBatch()
    {
        if (_free.TryPop(out BgzfBatch? batch))
        {
            return batch;
        }
        batch = new BgzfBatch(_source.Name, _blocksPerBatch);
        _all.Add(batch);
        return batch;
    }
}
