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
        Span<int> places = row.Scratch.Places(bases.Length);
        // The base after the window comes where the next row would begin.
        places[^1] = tokens;
        Place(new CounterRandom(_key, sample), places[..window.Length], tokens);
        for (int i = 0; i < bases.Length; i++)
        {
            int id = Alphabet.Encode(bases[i]);
            row.Text[places[i]] = id;
            if (i > window.TargetStart && Alphabet.IsTarget(id))
            {
                row.Labels[places[i] - 1] = id;
            }
        }
    }

    private void Place(in CounterRandom random, Span<int> places, int tokens)
    {
        if (Options.Spacing == FillerSpacing.Random)
        {
            Scatter(random, places, tokens);
            return;
        }
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = i * Options.Factor;
        }
    }

    // Selection sampling (Fan, Muller and Rezucha, 1962): each token is taken with the probability that makes all sets of places alike, up
    // to the share that a row's tokens have in the range of a random word, 2^-12 in a row of a million.
    private static void Scatter(in CounterRandom random, Span<int> places, int tokens)
    {
        Span<uint> words = stackalloc uint[1024];
        places[0] = 0;
        int taken = 1;
        for (int t = 1; taken < places.Length; t++)
        {
            int word = (t - 1) % words.Length;
            if (word == 0)
            {
                random.Fill(words, (ulong)(t - 1));
            }
            if ((words[word] * (ulong)(tokens - t)) >> 32 < (ulong)(places.Length - taken))
            {
                places[taken++] = t;
            }
        }
    }

    private static FillerOptions Checked(FillerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny([.. options.Validate()], nameof(options));
        return options;
    }
}
