using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace GenoSeq.Data;

/// <summary>How far and with how many threads batches are made ahead of their use.</summary>
public sealed record BatchPrefetcherOptions
{
    /// <summary>Batches that may be ready or in the making, besides the one in use.</summary>
    public int Capacity { get; init; } = 4;

    /// <summary>Threads that make batches, each a whole batch at a time.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>
    /// Called with each batch when it is allocated, to lock its pages for a device, say; what it returns is disposed when
    /// the prefetcher is, after its workers have ended. Null: nothing is done.
    /// </summary>
    public Func<Batch, IDisposable?>? Attach { get; init; }

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Capacity < 1)
        {
            problems.Add($"Capacity is {Capacity}; it must be at least 1");
        }
        if (Workers < 1)
        {
            problems.Add($"Workers is {Workers}; it must be at least 1");
        }
        return problems;
    }
}

/// <summary>Makes batches on background threads and hands them out in order. One consumer at a time.</summary>
/// <remarks>Memory is bounded: Capacity + 1 batches are allocated and used in turn.</remarks>
public sealed class BatchPrefetcher : IDisposable
{
    private readonly object _gate = new();
    private readonly Func<long, SampleRange> _samplesOfStep;
    private readonly long _endStep;
    private readonly Slot[] _slots;
    private readonly Thread[] _threads;
    private long _nextToMake;
    private long _nextToTake;

    // Steps below this one may be made: their slots are no longer read by the consumer.
    private long _makeBelow;
    private bool _stopped;

    /// <summary>Starts making batches.</summary>
    /// <param name="builder">Makes them; the prefetcher works with forks of it, so it stays free for other use.</param>
    /// <param name="samplesOfStep">Which samples belong to a step; called from the workers, must be pure.</param>
    /// <param name="batchCapacity">The most samples a step has.</param>
    /// <param name="firstStep">Step to begin with.</param>
    /// <param name="endStep">Step to stop before.</param>
    /// <param name="options">Null for the defaults.</param>
    public BatchPrefetcher(
        IBatchSource builder, Func<long, SampleRange> samplesOfStep, int batchCapacity, long firstStep = 0,
        long endStep = long.MaxValue, BatchPrefetcherOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(samplesOfStep);
        options ??= new BatchPrefetcherOptions();
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        _samplesOfStep = samplesOfStep;
        _endStep = endStep;
        _nextToMake = firstStep;
        _nextToTake = firstStep;
        _slots = new Slot[options.Capacity + 1];
        for (int i = 0; i < _slots.Length; i++)
        {
            Batch batch = builder.CreateBatch(batchCapacity);
            _slots[i] = new Slot(batch, options.Attach?.Invoke(batch));
        }
        _makeBelow = firstStep + options.Capacity;
        _threads = new Thread[options.Workers];
        for (int i = 0; i < _threads.Length; i++)
        {
            // A single worker keeps the rows of a batch parallel; several are parallel over batches already.
            IBatchSource own = builder.Fork(options.Workers == 1 ? 0 : 1);
            _threads[i] = new Thread(() => Work(own)) { IsBackground = true, Name = "batch prefetch" };
        }
        foreach (Thread thread in _threads)
        {
            thread.Start();
        }
    }

    /// <summary>How long the last call of <see cref="TryNext"/> waited for its batch.</summary>
    public TimeSpan LastWait { get; private set; }

    /// <summary>How long all calls of <see cref="TryNext"/> waited.</summary>
    public TimeSpan TotalWait { get; private set; }

    /// <summary>Waits for the next step's batch.</summary>
    /// <param name="batch">The batch, valid until the next call or <see cref="Dispose"/>.</param>
    /// <returns>False after the last step.</returns>
    /// <exception cref="ObjectDisposedException">The prefetcher was disposed, also while waiting.</exception>
    /// <remarks>An exception met while making the batch is thrown here, and again by every later call.</remarks>
    public bool TryNext([NotNullWhen(true)] out Batch? batch)
    {
        long begun = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            if (_nextToTake >= _endStep)
            {
                batch = null;
                return false;
            }
            Slot slot = _slots[_nextToTake % _slots.Length];
            while (slot.ReadyStep != _nextToTake)
            {
                Monitor.Wait(_gate);
                ObjectDisposedException.ThrowIf(_stopped, this);
            }
            slot.Failure?.Throw();
            _nextToTake++;
            // The batch handed out now stays out of reach; the one handed out before becomes free.
            _makeBelow = _nextToTake + _slots.Length - 1;
            Monitor.PulseAll(_gate);
            batch = slot.Batch;
            LastWait = Stopwatch.GetElapsedTime(begun);
            TotalWait += LastWait;
            return true;
        }
    }

    /// <summary>Stops the workers and waits until they have ended; a batch in the making is finished first.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }
        foreach (Slot slot in _slots)
        {
            slot.Attached?.Dispose();
            slot.Attached = null;
        }
    }

    private void Work(IBatchSource builder)
    {
        while (true)
        {
            long step;
            lock (_gate)
            {
                while (!_stopped && _nextToMake < _endStep && _nextToMake >= _makeBelow)
                {
                    Monitor.Wait(_gate);
                }
                if (_stopped || _nextToMake >= _endStep)
                {
                    return;
                }
                step = _nextToMake++;
            }
            Slot slot = _slots[step % _slots.Length];
            ExceptionDispatchInfo? failure = null;
            try
            {
                builder.Fill(_samplesOfStep(step), slot.Batch);
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
            lock (_gate)
            {
                slot.Failure = failure;
                slot.ReadyStep = step;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private sealed class Slot(Batch batch, IDisposable? attached)
    {
        internal IDisposable? Attached { get; set; } = attached;

        internal Batch Batch { get; } = batch;

        internal long ReadyStep { get; set; } = -1;

        internal ExceptionDispatchInfo? Failure { get; set; }
    }
}
