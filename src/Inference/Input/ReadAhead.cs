using System.Runtime.ExceptionServices;

namespace GenoSeq.Inference.Input;

/// <summary>Runs what pushes items on a thread of its own, so that they can be pulled, a bounded amount ahead.</summary>
internal static class ReadAhead
{
    private const long MostAhead = 64L << 20;

    /// <summary>The items, in their order; what the producer throws is thrown where its item would have come.</summary>
    /// <param name="produce">Pushes the items.</param>
    /// <param name="sizeOf">Bytes of an item.</param>
    internal static IEnumerable<T> Of<T>(Action<Action<T>> produce, Func<T, long> sizeOf)
    {
        var queue = new Queue<T>();
        long waiting = 0;
        bool ended = false;
        bool abandoned = false;
        ExceptionDispatchInfo? error = null;
        var thread = new Thread(() =>
        {
#pragma warning disable CA1031 // Handed over to who pulls.
            try
            {
                produce(item =>
                {
                    lock (queue)
                    {
                        // One item may always wait, however large.
                        while (waiting > MostAhead && !abandoned)
                        {
                            Monitor.Wait(queue);
                        }

                        if (abandoned)
                        {
                            throw new OperationCanceledException();
                        }

                        queue.Enqueue(item);
                        waiting += sizeOf(item);
                        Monitor.PulseAll(queue);
                    }
                });
            }
            catch (Exception e)
            {
                error = ExceptionDispatchInfo.Capture(e);
            }
#pragma warning restore CA1031

            lock (queue)
            {
                ended = true;
                Monitor.PulseAll(queue);
            }
        })
        { IsBackground = true, Name = "read ahead" };
        thread.Start();
        try
        {
            while (true)
            {
                T item;
                lock (queue)
                {
                    while (queue.Count == 0 && !ended)
                    {
                        Monitor.Wait(queue);
                    }

                    if (queue.Count == 0)
                    {
                        error?.Throw();
                        yield break;
                    }

                    item = queue.Dequeue();
                    waiting -= sizeOf(item);
                    Monitor.PulseAll(queue);
                }

                yield return item;
            }
        }
        finally
        {
            lock (queue)
            {
                abandoned = true;
                Monitor.PulseAll(queue);
            }
        }
    }
}
