namespace GenoSeq.Data;

/// <summary>A run of global sample indices.</summary>
/// <param name="First">First index.</param>
/// <param name="Count">How many.</param>
public readonly record struct SampleRange(long First, int Count)
{
    /// <summary>
    /// The samples of one rank at one step. Step s covers indices [s·G, (s+1)·G) for a global batch of G, whatever the
    /// number of ranks; the ranks take consecutive pieces of it, the first ones taking one more where G does not divide
    /// evenly.
    /// </summary>
    /// <param name="step">Step, from 0.</param>
    /// <param name="globalBatchSize">Samples a step over all ranks.</param>
    /// <param name="rank">This rank, in [0, worldSize).</param>
    /// <param name="worldSize">Number of ranks.</param>
    public static SampleRange ForStep(long step, int globalBatchSize, int rank = 0, int worldSize = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(globalBatchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(worldSize);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, worldSize);
        int each = globalBatchSize / worldSize;
        int extra = globalBatchSize % worldSize;
        long first = checked(step * globalBatchSize) + (long)rank * each + Math.Min(rank, extra);
        return new SampleRange(first, each + (rank < extra ? 1 : 0));
    }

    /// <summary>Cuts the range in consecutive pieces of at most this many samples, for gradient accumulation.</summary>
    public IEnumerable<SampleRange> Split(int microBatchSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(microBatchSize);
        for (int done = 0; done < Count; done += microBatchSize)
        {
            yield return new SampleRange(First + done, Math.Min(microBatchSize, Count - done));
        }
    }
}
