using System.Runtime.ExceptionServices;

namespace GenoSeq.Data;

/// <summary>Makes one row of a batch. Shared by threads; each brings its own scratch.</summary>
/// <typeparam name="TScratch">Buffers of one thread.</typeparam>
internal interface IRowEncoder<TScratch>
{
    /// <summary>Buffers for a thread.</summary>
    public TScratch CreateScratch();

    /// <summary>Fills one row of every array of a batch whose samples are set.</summary>
    public void Encode(Batch batch, int row, TScratch scratch);
}

/// <summary>
/// Encodes the rows of a batch on the calling thread and on helpers from the thread pool. Unlike <see cref="Parallel"/>
/// it allocates nothing per run, and it never waits for a helper that has not begun: the caller does what nobody else
/// has taken.
/// </summary>
/// <typeparam name="TScratch">Buffers of one thread.</typeparam>
internal sealed class ParallelRows<TScratch>
{
    private readonly IRowEncoder<TScratch> _encoder;
    private readonly TScratch _callerScratch;
    private readonly Helper[] _helpers;
    private readonly object _gate = new();

    private Batch? _batch;
    private ExceptionDispatchInfo? _failure;
    private int _failedRow;

    // Rows are handed out from the last to the first. At or below zero there is nothing to do, so a helper that comes
    // late, even during the set-up of the next run, finds no work and touches nothing.
    private int _untaken;
    private int _unfinished;

    internal ParallelRows(IRowEncoder<TScratch> encoder, int threads)
    {
        _encoder = encoder;
        _callerScratch = encoder.CreateScratch();
        _helpers = new Helper[threads - 1];
        for (int i = 0; i < _helpers.Length; i++)
        {
            _helpers[i] = new Helper(this);
        }
    }

    internal void Run(Batch batch, int rows)
    {
        if (rows == 0)
        {
            return;
        }
        _batch = batch;
        _failure = null;
        _unfinished = rows;
        // Everything above must be visible before the first row can be taken.
        Interlocked.Exchange(ref _untaken, rows);
        for (int i = 0; i < Math.Min(_helpers.Length, rows - 1); i++)
        {
            _helpers[i].Queue();
        }
        Work(_callerScratch);
        WaitForHelpers();
        _batch = null;
        _failure?.Throw();
    }

    private void Work(TScratch scratch)
    {
        int row;
        while ((row = Interlocked.Decrement(ref _untaken)) >= 0)
        {
            try
            {
                _encoder.Encode(_batch!, row, scratch);
            }
            catch (Exception e)
            {
                Remember(e, row);
            }
            if (Interlocked.Decrement(ref _unfinished) == 0)
            {
                lock (_gate)
                {
                    Monitor.Pulse(_gate);
                }
            }
        }
    }

    private void WaitForHelpers()
    {
        lock (_gate)
        {
            while (Volatile.Read(ref _unfinished) > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    private void Remember(Exception e, int row)
    {
        // The first row's failure is reported, whichever thread met one first: messages must not depend on timing.
        lock (_gate)
        {
            if (_failure is null || row < _failedRow)
            {
                _failure = ExceptionDispatchInfo.Capture(e);
                _failedRow = row;
            }
        }
    }

    private sealed class Helper(ParallelRows<TScratch> owner) : IThreadPoolWorkItem
    {
        private readonly TScratch _scratch = owner._encoder.CreateScratch();
        private int _busy;

        internal void Queue()
        {
            // Still queued or running from the run before: it will see the new rows, or not be needed.
            if (Interlocked.Exchange(ref _busy, 1) == 0)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }

        public void Execute()
        {
            owner.Work(_scratch);
            Volatile.Write(ref _busy, 0);
        }
    }
}
