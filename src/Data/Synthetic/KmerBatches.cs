namespace GenoSeq.Data;

/// <summary>
/// Causal rows of genome windows in words of k bases. A word's id is its number in base four, A 0, C 1, G 2, T 3, the first base
/// first; then come the ids of a word with an unknown base, and of padding.
/// </summary>
/// <remarks>
/// <para>
/// Bits per base are the loss of a label in bits over <see cref="BasesPerToken"/>. Side by side a word is k new bases. Overlapping, the next
/// word shares k − 1 bases with the one before it, so that only its last one is new: the loss of a word is that of one base, once the
/// model has learned which four words can follow (and is above it before).
/// </para>
/// <para>
/// Labelled are words without an unknown base, overlapping only where the word before it has none either, for otherwise more than one
/// base would be new. Forward strand. Overlapping, a window of n bases is n − k + 1 words; side by side ⌊n / k⌋, and since no
/// more than the one base after a window is read, the last has a label only if n = (words + 1)·k − 1. Behind a short window stands padding.
/// </para>
/// </remarks>
public sealed class KmerBatches : RowBatches
{
    private readonly GenomeWindows _windows;
    private readonly int _stride;

    /// <summary>Prepares filling.</summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="sampler">Which windows.</param>
    /// <param name="options">How bases become words.</param>
    /// <param name="threads">Threads that fill one batch; 0 takes one for each processor.</param>
    /// <exception cref="ArgumentException">The options are invalid, windows are shorter than a word, or the sampler packs.</exception>
    public KmerBatches(GenomeSource genome, IWindowSampler sampler, KmerOptions options, int threads = 0)
        : this(new GenomeWindows(genome, sampler), options, threads)
    {
    }

    private KmerBatches(GenomeWindows windows, KmerOptions options, int threads)
        : base(Words(windows.Length, options), threads)
    {
        _windows = windows;
        _stride = options.Overlapping ? 1 : options.K;
        Options = options;
        UnknownId = 1 << (2 * options.K);
        PadId = UnknownId + 1;
        VocabSize = (PadId + 1 + 7) / 8 * 8;
    }

    /// <summary>How bases become words.</summary>
    public KmerOptions Options { get; }

    /// <summary>Id of a word with an unknown base.</summary>
    public int UnknownId { get; }

    /// <summary>Id of padding.</summary>
    public int PadId { get; }

    /// <summary>Rows of an embedding: 4^k words and two specials, padded to a multiple of eight.</summary>
    public int VocabSize { get; }

    /// <summary>New bases of a labelled word: k, or 1 when words overlap.</summary>
    public int BasesPerToken => _stride;

    /// <inheritdoc/>
    public override IBatchSource Fork(int threads = 1) => new KmerBatches(_windows, Options, threads);

    private protected override void Write(long sample, RowText row)
    {
        SampleWindow window = _windows.At(sample);
        ReadOnlySpan<byte> bases = _windows.ReadWithNext(window, row.Scratch);
        int k = Options.K;
        int words = bases.Length < k ? 0 : Math.Min(row.Text.Length, (bases.Length - k) / _stride + 1);
        row.Text[words..].Fill(PadId);
        for (int j = 0; j < words; j++)
        {
            int id = IdOf(bases.Slice(j * _stride, k));
            row.Text[j] = id;
            int firstNew = j * _stride + k - _stride;
            bool single = _stride == k || (j > 0 && row.Text[j - 1] < UnknownId);
            if (j > 0 && firstNew > window.TargetStart && id < UnknownId && single)
            {
                row.Labels[j - 1] = id;
            }
        }
    }

    private int IdOf(ReadOnlySpan<byte> word)
    {
        int id = 0;
        foreach (byte letter in word)
        {
            byte code = BaseCode.Of(letter);
            if (code == BaseCode.None)
            {
                return UnknownId;
            }
            id = (id << 2) | code;
        }
        return id;
    }

    private static int Words(int bases, KmerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny([.. options.Validate()], nameof(options));
        if (bases < options.K)
        {
            throw new ArgumentException($"windows of {bases} bases have no word of {options.K}; use longer windows", nameof(options));
        }
        return (bases - options.K) / (options.Overlapping ? 1 : options.K) + 1;
    }
}
