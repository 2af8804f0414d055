namespace GenoSeq.Data;

/// <summary>
/// Fills batches with the samples of a range of global indices, several threads working on different samples. What a
/// sample becomes depends on its index alone. Fills after the first allocate nothing but the
/// sampler's small table when a new epoch begins.
/// </summary>
/// <remarks>
/// One fill at a time: a builder is not to be shared between threads; <see cref="Fork"/> makes another for the same
/// data.
/// </remarks>
public sealed class BatchBuilder : IBatchSource
{
    private readonly SampleEncoder _encoder;
    private readonly ParallelRows<SampleEncoder.Scratch> _rows;

    /// <summary>Prepares filling.</summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="sampler">Which windows.</param>
    /// <param name="alphabet">How bytes become ids.</param>
    /// <param name="options">The objective.</param>
    /// <param name="threads">Threads that fill one batch; 0 takes one for each processor.</param>
    /// <exception cref="ArgumentException">The options are invalid.</exception>
    public BatchBuilder(
        GenomeSource genome, IWindowSampler sampler, Alphabet alphabet, ObjectiveOptions options, int threads = 0)
        : this(MakeEncoder(genome, sampler, alphabet, options), threads)
    {
    }

    private BatchBuilder(SampleEncoder encoder, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        _encoder = encoder;
        _rows = new ParallelRows<SampleEncoder.Scratch>(encoder, threads == 0 ? Environment.ProcessorCount : threads);
    }

    /// <summary>The alphabet in use.</summary>
    public Alphabet Alphabet => _encoder.Alphabet;

    /// <summary>The objective in use.</summary>
    public ObjectiveOptions Options => _encoder.Options;

    /// <summary>Tokens in a sample.</summary>
    public int Length => _encoder.Length;

    /// <summary>Another builder of the same samples, for another thread.</summary>
    /// <param name="threads">Threads that fill one batch; 0 takes one for each processor.</param>
    public BatchBuilder Fork(int threads = 1) => new(_encoder, threads);

    IBatchSource IBatchSource.Fork(int threads) => Fork(threads);

    /// <summary>A builder of the same windows whose strands and corruption are drawn from another seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="threads">Threads that fill one batch; 0 takes one for each processor.</param>
    public BatchBuilder WithSeed(long seed, int threads = 0) => new(_encoder.WithSeed(seed), threads);

    /// <summary>
    /// Allocates a batch of the right shape, with weights if the objective needs them and sequence ids if the sampler packs.
    /// </summary>
    /// <param name="capacity">The most samples it can hold.</param>
    public Batch CreateBatch(int capacity) => new(capacity, Length, Options.SoftMaskWeight != 1, _encoder.Packs);

    /// <summary>Fills a batch.</summary>
    /// <param name="samples">Global sample indices; at most the batch's capacity of them.</param>
    /// <param name="batch">Made by <see cref="CreateBatch"/>.</param>
    /// <exception cref="InputDataException">The data has no usable window.</exception>
    public void Fill(SampleRange samples, Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.Begin(samples, Length);
        _rows.Run(batch, samples.Count);
    }

    private static SampleEncoder MakeEncoder(
        GenomeSource genome, IWindowSampler sampler, Alphabet alphabet, ObjectiveOptions options)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(alphabet);
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        return new SampleEncoder(genome, sampler, alphabet, options);
    }
}
