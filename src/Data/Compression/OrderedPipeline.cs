using System.Collections.Concurrent;

namespace GenoSeq.Data;

/// <summary>
/// Jobs that are done by several threads and come back in the order they were given. The thread that takes a job helps
/// where none has begun it, so the pipeline moves even if the thread pool gives it no thread at all.
/// </summary>
/// <typeparam name="TJob">The job; reused by its owner after it came back.</typeparam>
internal sealed class OrderedPipeline<TJob>(int threads) : IDisposable
    where TJob : OrderedJob
{
    private readonly Queue<TJob> _order = new();
    private readonly ConcurrentQueue<TJob> _offered = new();
    private int _running;

    /// <summary>Jobs given and not taken.</summary>
    internal int Count => _order.Count;

    /// <summary>Gives a job, after the ones given before.</summary>
    internal void Give(TJob job)
    {
        job.Offer();
        _order.Enqueue(job);
        if (threads > 1)
        {
            _offered.Enqueue(job);
            StartThread();
        }
    }

    /// <summary>Takes the oldest job when it is done.</summary>
    internal TJob Take()
    {
        TJob job = _order.Dequeue();
        job.Finish();
        return job;
    }

    /// <summary>Takes back what nobody has begun and waits for the rest.</summary>
    public void Dispose()
    {
        while (_order.TryDequeue(out TJob? job))
        {
            job.Cancel();
        }
    }

    private void StartThread()
    {
        int running = Volatile.Read(ref _running);
        while (running < threads)
        {
            int seen = Interlocked.CompareExchange(ref _running, running + 1, running);
            if (seen == running)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static p => p.Work(), this, preferLocal: false);
                return;
            }
            running = seen;
        }
    }

    private void Work()
    {
        do
        {
            while (_offered.TryDequeue(out TJob? job))
            {
                job.TryRun();
            }
            Interlocked.Decrement(ref _running);
            // A job offered between the empty queue and the decrement has started no thread: look once more.
        }
        while (!_offered.IsEmpty && Interlocked.Increment(ref _running) > 0);
    }
}
