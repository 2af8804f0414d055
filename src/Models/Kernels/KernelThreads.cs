using System.Globalization;
using System.Runtime.ExceptionServices;

namespace GenoSeq.Models.Kernels;

/// <summary>
/// The threads that CPU kernels share. Work items are handed out dynamically, so a kernel must be written so that its results
/// do not depend on which thread runs an item: a fixed partition, and partial sums combined in a fixed order afterwards.
/// </summary>
public static class KernelThreads
{
    /// <summary>Name of the environment variable that sets the initial thread count.</summary>
    public const string Variable = "GENOSEQ_THREADS";

    // Back-to-back kernels arrive within microseconds of each other; parking costs tens. Spin briefly, then give the core back.
    private const int SpinRounds = 200;
    private const int SpinLength = 20;

    private static readonly object s_gate = new();
    private static readonly object s_runGate = new();
    private static int s_count = ReadDefault();
    private static int s_workers;
    private static int s_parked;
    private static int s_generation;
    private static Job? s_job;

    [ThreadStatic]
    private static bool t_busy;

    /// <summary>Threads that take part in a kernel, the calling thread included; at least 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value below 1.</exception>
    public static int Count
    {
        get => Volatile.Read(ref s_count);
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            Volatile.Write(ref s_count, value);
        }
    }

    /// <summary>
    /// Runs <paramref name="action"/> for every item in [0, <paramref name="workItems"/>) and returns when all are done.
    /// Callable from any thread. Nested calls, and calls made while another thread's call is running, run inline.
    /// </summary>
    /// <param name="workItems">Number of items; zero or less is a no-op.</param>
    /// <param name="action">Called once per item, on any thread.</param>
    /// <exception cref="Exception">The first exception an item threw, rethrown here; items not yet started are skipped.</exception>
    public static void For(int workItems, Action<int> action)
    {
        if (workItems <= 0) return;
        int threads = Math.Min(Count, workItems);
        if (threads == 1 || t_busy || !Monitor.TryEnter(s_runGate))
        {
            for (int item = 0; item < workItems; item++) action(item);
            return;
        }

        t_busy = true;
        try
        {
            var job = new Job(action, workItems, threads - 1);
            Publish(job, threads - 1);
            job.Work();
            job.Wait();
            job.Error?.Throw();
        }
        finally
        {
            Volatile.Write(ref s_job, null);
            t_busy = false;
            Monitor.Exit(s_runGate);
        }
    }

    private static void Publish(Job job, int helpers)
    {
        while (s_workers < helpers)
        {
            int index = ++s_workers;
            new Thread(WorkerLoop) { IsBackground = true, Name = "genoseq-kernel-" + index.ToString(CultureInfo.InvariantCulture) }
                .Start(Volatile.Read(ref s_generation));
        }

        Volatile.Write(ref s_job, job);
        Interlocked.Increment(ref s_generation);
        if (Volatile.Read(ref s_parked) > 0)
        {
            lock (s_gate) Monitor.PulseAll(s_gate);
        }
    }

    private static void WorkerLoop(object? start)
    {
        t_busy = true;
        int seen = (int)start!;
        while (true)
        {
            seen = AwaitGeneration(seen);
            Job? job = Volatile.Read(ref s_job);
            if (job is not null && job.TryJoin()) job.Work();
        }
    }

    private static int AwaitGeneration(int seen)
    {
        for (int round = 0; round < SpinRounds; round++)
        {
            int now = Volatile.Read(ref s_generation);
            if (now != seen) return now;
            Thread.SpinWait(SpinLength);
        }

        lock (s_gate)
        {
            // The increment of s_parked is a full fence, and the publisher bumps the generation before it reads s_parked:
            // either it sees this thread parked, or this thread sees the new generation.
            Interlocked.Increment(ref s_parked);
            int now;
            while ((now = Volatile.Read(ref s_generation)) == seen) Monitor.Wait(s_gate);
            Interlocked.Decrement(ref s_parked);
            return now;
        }
    }

    private static int ReadDefault()
    {
        string? text = Environment.GetEnvironmentVariable(Variable);
        return int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int count) && count >= 1
            ? count
            : Math.Max(1, Environment.ProcessorCount);
    }

    private sealed class Job(Action<int> action, int items, int seats)
    {
        private readonly int _items = items;
        private int _next = -1;
        private int _remaining = items;
        private int _seats = seats;
        private ExceptionDispatchInfo? _error;

        public ExceptionDispatchInfo? Error => Volatile.Read(ref _error);

        public bool TryJoin() => Interlocked.Decrement(ref _seats) >= 0;

        public void Work()
        {
            int item;
            while ((item = Interlocked.Increment(ref _next)) < _items)
            {
                try
                {
                    if (Error is null) action(item);
                }
#pragma warning disable CA1031 // Whatever an item throws belongs to the caller of For, which rethrows it.
                catch (Exception e)
#pragma warning restore CA1031
                {
                    Interlocked.CompareExchange(ref _error, ExceptionDispatchInfo.Capture(e), null);
                }

                if (Interlocked.Decrement(ref _remaining) == 0)
                {
                    lock (this) Monitor.PulseAll(this);
                }
            }
        }

        public void Wait()
        {
            for (int round = 0; round < SpinRounds && Volatile.Read(ref _remaining) != 0; round++) Thread.SpinWait(SpinLength);
            if (Volatile.Read(ref _remaining) == 0) return;
            lock (this)
            {
                while (Volatile.Read(ref _remaining) != 0) Monitor.Wait(this);
            }
        }
    }
}
