using System.Diagnostics;

namespace GenoSeq.Torch;

/// <summary>A collective, or the rendezvous before the first, failed or did not finish in time.</summary>
public sealed class DistributedException : TorchException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="rank">The rank that reports it; -1 before ranks are known.</param>
    /// <param name="operation">What was being done.</param>
    /// <param name="elapsed">How long it had been going on.</param>
    /// <param name="timeout">How long it was allowed.</param>
    /// <param name="message">What the backend said.</param>
    public DistributedException(int rank, string operation, TimeSpan elapsed, TimeSpan timeout, string message)
        : base($"{(rank < 0 ? "" : $"rank {rank}: ")}{operation} failed after {elapsed.TotalSeconds:0.0} s (timeout "
            + $"{timeout.TotalSeconds:0.###} s): {message}\n  expected: every rank to make the same call within the timeout\n"
            + "  try: read the other ranks' output, one of them stopped or waits elsewhere; a longer timeout if it is slow")
    {
        Rank = rank;
        Operation = operation;
        Timeout = timeout;
    }

    /// <summary>The rank that reports it; -1 before ranks are known.</summary>
    public int Rank { get; }

    /// <summary>What was being done.</summary>
    public string Operation { get; }

    /// <summary>How long it was allowed.</summary>
    public TimeSpan Timeout { get; }

    internal static void Check(int status, int rank, string operation, long began, TimeSpan timeout)
    {
        const int unavailable = 4;
        if (status == unavailable)
        {
            Status.Check(status, operation);
        }

        if (status != 0)
        {
            throw new DistributedException(rank, operation, Stopwatch.GetElapsedTime(began), timeout, Status.LastMessage());
        }
    }
}
