namespace GenoSeq.Data;

/// <summary>The arrays of one batch, made once and filled again and again.</summary>
public sealed class Batch
{
    /// <summary>Allocates a batch.</summary>
    /// <param name="capacity">The most samples it can hold.</param>
    /// <param name="length">Tokens in a sample.</param>
    /// <param name="weighted">Whether it carries loss weights.</param>
    /// <param name="packed">Whether it carries sequence ids.</param>
    /// <remarks>
    /// The large arrays never move in memory, so that a device may be told to copy from them while the program goes on.
    /// </remarks>
    public Batch(int capacity, int length, bool weighted, bool packed = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        Capacity = capacity;
        Length = length;
        int size = checked(capacity * length);
        Inputs = GC.AllocateArray<int>(size, pinned: true);
        Labels = GC.AllocateArray<int>(size, pinned: true);
        Weights = weighted ? GC.AllocateArray<float>(size, pinned: true) : null;
        SequenceIds = packed ? GC.AllocateArray<int>(size, pinned: true) : null;
        Windows = new SampleWindow[capacity];
        Flipped = new bool[capacity];
        TargetCounts = new int[capacity];
    }

    /// <summary>The most samples it can hold.</summary>
    public int Capacity { get; }

    /// <summary>Samples in it now: the first rows of every array; rows beyond are left over from before.</summary>
    public int Count => Samples.Count;

    /// <summary>Tokens in a sample.</summary>
    public int Length { get; }

    /// <summary>Which samples are in it.</summary>
    public SampleRange Samples { get; internal set; }

    /// <summary>[batch, length], what the model sees.</summary>
    public int[] Inputs { get; }

    /// <summary>
    /// [batch, length], what it should predict; <see cref="GenoSeq.Data.Labels.Ignored"/> where nothing counts.
    /// </summary>
    public int[] Labels { get; }

    /// <summary>
    /// [batch, length], weight of each label's loss, 0 where nothing counts; null if all labels weigh the same.
    /// </summary>
    public float[]? Weights { get; }

    /// <summary>
    /// [batch, length], number of the segment that a position belongs to: 0, 1, 2, … in the order of the row, padding one
    /// more than the last; null unless the sampler packs. Nothing may be carried from one segment to the next.
    /// </summary>
    public int[]? SequenceIds { get; }

    /// <summary>[batch], where each sample comes from, in forward coordinates.</summary>
    public SampleWindow[] Windows { get; }

    /// <summary>[batch], true if the sample was read from the opposite strand.</summary>
    public bool[] Flipped { get; }

    /// <summary>[batch], number of labels that count.</summary>
    public int[] TargetCounts { get; }

    /// <summary>Number of labels that count, over the samples in the batch.</summary>
    public long TotalTargets
    {
        get
        {
            long total = 0;
            for (int i = 0; i < Count; i++)
            {
                total += TargetCounts[i];
            }
            return total;
        }
    }

    /// <summary>Names the samples that are about to be filled in.</summary>
    /// <param name="samples">Global sample indices; at most the capacity of them.</param>
    /// <param name="length">Tokens in a sample of the source that fills the batch.</param>
    internal void Begin(SampleRange samples, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(samples.First);
        ArgumentOutOfRangeException.ThrowIfNegative(samples.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples.Count, Capacity);
        ArgumentOutOfRangeException.ThrowIfNotEqual(Length, length, "batch");
        Samples = samples;
    }
}
