namespace GenoSeq.Data;

/// <summary>
/// Batches of rows that are texts with some tokens to predict: inputs[t] is token t, labels[t] what is wanted there.
/// <see cref="Batch.Windows"/> and <see cref="Batch.Flipped"/> keep their defaults.
/// </summary>
/// <remarks>One fill at a time: not to be shared between threads; <see cref="Fork"/> makes another source of the same samples.</remarks>
public abstract class RowBatches : IBatchSource, IRowEncoder<RowScratch>
{
    private readonly ParallelRows<RowScratch> _rows;

    private protected RowBatches(int length, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Length = length;
        _rows = new ParallelRows<RowScratch>(this, threads == 0 ? Environment.ProcessorCount : threads);
    }

    /// <inheritdoc/>
    public int Length { get; }

    /// <inheritdoc/>
    public abstract IBatchSource Fork(int threads = 1);

    /// <inheritdoc/>
    public Batch CreateBatch(int capacity) => new(capacity, Length, weighted: false);

    /// <inheritdoc/>
    public void Fill(SampleRange samples, Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.Begin(samples, Length);
        _rows.Run(batch, samples.Count);
    }

    RowScratch IRowEncoder<RowScratch>.CreateScratch() => new(Length);

    void IRowEncoder<RowScratch>.Encode(Batch batch, int row, RowScratch scratch)
    {
        Span<int> labels = batch.Labels.AsSpan(row * Length, Length);
        labels.Fill(Labels.Ignored);
        Write(batch.Samples.First + row, new RowText(scratch.Text, labels, scratch));
        scratch.Text.AsSpan(0, Length).CopyTo(batch.Inputs.AsSpan(row * Length, Length));
        batch.TargetCounts[row] = Length - labels.Count(Labels.Ignored);
    }

    /// <summary>Writes every token of a sample's text, and its labels; called from several threads at once.</summary>
    private protected abstract void Write(long sample, RowText row);
}
