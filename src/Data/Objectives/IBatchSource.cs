namespace GenoSeq.Data;

/// <summary>Makes batches of samples that are named by a global index: what a sample becomes depends on its index alone.</summary>
public interface IBatchSource
{
    /// <summary>Tokens in a sample.</summary>
    public int Length { get; }

    /// <summary>Another source of the same samples, for another thread.</summary>
    /// <param name="threads">Threads that fill one batch; 0 takes one for each processor.</param>
    public IBatchSource Fork(int threads = 1);

    /// <summary>Allocates a batch of the right shape.</summary>
    /// <param name="capacity">The most samples it can hold.</param>
    public Batch CreateBatch(int capacity);

    /// <summary>Fills a batch.</summary>
    /// <param name="samples">Global sample indices; at most the batch's capacity of them.</param>
    /// <param name="batch">Made by <see cref="CreateBatch"/>.</param>
    public void Fill(SampleRange samples, Batch batch);
}
