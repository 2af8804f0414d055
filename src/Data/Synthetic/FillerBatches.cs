namespace GenoSeq.Data;

/// <summary>
/// Causal rows of genome windows, stretched by a factor k with N between bases. The label of the token before a base is that base, all
/// others are ignored: as many labels as without filler, and a loss per label in bits a base whatever k is.
/// </summary>
/// <remarks>
/// Forward strand. A window of n bases takes n·k tokens; behind a short one stands padding. An unknown base of the genome is written
/// like filler, and is no label.
/// </remarks>
public sealed class FillerBatches : RowBatches
{
    private readonly GenomeWindows _windows;
    private readonly ulong _key;
    private readonly long _seed;

    /// <summary>Prepares filling.</summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="sampler">Which windows; a row has their length times the factor.</param>
    /// <param name="alphabet">How bases become ids.</param>
    /// <param name="options">Factor and spacing.</param>
    /// <param name="seed">Seed of random spacing.</param>
    /// <param name="threads">Threads that fill one batch; 0 takes one for each processor.</param>
    /// <exception cref="ArgumentException">The options are invalid, or the sampler packs.</exception>
    public FillerBatches(GenomeSource genome, IWindowSampler sampler, Alphabet alphabet, FillerOptions options, long seed, int threads = 0)
        : this(new GenomeWindows(genome, sampler), alphabet, Checked(options), seed, threads)
    {
    }

    private FillerBatches(GenomeWindows windows, Alphabet alphabet, FillerOptions options, long seed, int threads)
        : base(checked(windows.Length * options.Factor), threads)
    {
        ArgumentNullException.ThrowIfNull(alphabet);
        _windows = windows;
        _seed = seed;
        _key = CounterRandom.Key(seed, "filler");
        Alphabet = alphabet;
        Options = options;
    }

    /// <summary>The alphabet in use.</summary>
    public Alphabet Alphabet { get; }

    /// <summary>Factor and spacing.</summary>
    public FillerOptions Options { get; }

    /// <inheritdoc/>
    public override IBatchSource Fork(int threads = 1) => new FillerBatches(_windows, Alphabet, Options, _seed, threads);

    private protected override void Write(long sample, RowText row)
    {
        SampleWindow window = _windows.At(sample);
        ReadOnlySpan<byte> bases = _windows.ReadWithNext(window, row.Scratch);
        int tokens = window.Length * Options.Factor;
        row.Text[..tokens].Fill(Alphabet.NId);
        row.Text[tokens..].Fill(Alphabet.PadId);
        var random = new CounterRandom(_key, sample);
        int place = 0;
        for (int i = 0; i < bases.Length; i++)
        {
            if (i == window.Length)
            {
                place = tokens;
            }
            else if (Options.Spacing == FillerSpacing.Fixed)
            {
                place = i * Options.Factor;
            }
            else if (i > 0)
            {
                place = NextPlace(ref random, place, window.Length - i, tokens);
            }
            int id = Alphabet.Encode(bases[i]);
            row.Text[place] = id;
            if (i > window.TargetStart && Alphabet.IsTarget(id))
            {
                row.Labels[place - 1] = id;
            }
        }
    }

    // Selection sampling (Fan, Muller and Rezucha, 1962): each place that is left is taken with the probability that makes all sets of
    // places alike, up to 2^-11, the share of a row in the range of a random word.
    private static int NextPlace(ref CounterRandom random, int place, int wanted, int tokens)
    {
        do
        {
            place++;
        }
        while ((random.NextUInt32() * (ulong)(tokens - place)) >> 32 >= (ulong)wanted);
        return place;
    }

    private static FillerOptions Checked(FillerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny([.. options.Validate()], nameof(options));
        return options;
    }
}
