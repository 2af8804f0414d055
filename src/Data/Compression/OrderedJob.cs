namespace GenoSeq.Data;

/// <summary>A piece of work that one thread does once, any thread, and another waits for.</summary>
internal abstract class OrderedJob
{
    private const int Queued = 0;
    private const int Claimed = 1;
    private const int Done = 2;

    private int _state = Done;

    /// <summary>What went wrong in <see cref="Run"/>, if anything.</summary>
    internal Exception? Failure { get; private set; }

    /// <summary>Does the work.</summary>
    protected abstract void Run();

    /// <summary>Offers the work; what it reads must be in place.</summary>
    internal void Offer()
    {
        Failure = null;
        Volatile.Write(ref _state, Queued);
    }

    /// <summary>Does the work unless another thread has begun.</summary>
    internal void TryRun()
    {
        if (Interlocked.CompareExchange(ref _state, Claimed, Queued) != Queued)
        {
            return;
        }
        try
        {
            Run();
        }
#pragma warning disable CA1031 // Handed to the thread that waits.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Failure = e;
        }
        lock (this)
        {
            _state = Done;
            Monitor.PulseAll(this);
        }
    }

    /// <summary>Does the work or waits for the thread that does.</summary>
    internal void Finish()
    {
        TryRun();
        Wait();
    }

    /// <summary>Takes the work back, or waits for the thread that has begun.</summary>
    internal void Cancel()
    {
        if (Interlocked.CompareExchange(ref _state, Done, Queued) != Queued)
        {
            Wait();
        }
    }

    private void Wait()
    {
        lock (this)
        {
            while (_state != Done)
            {
                Monitor.Wait(this);
            }
        }
    }
}
