namespace GenoSeq.Data;

/// <summary>
/// Rows that repeat a real stretch: stretch, spacer from elsewhere, stretch again. Labelled are the bases of one copy but its first,
/// so that the losses of both copies are of the same bases.
/// </summary>
/// <remarks>
/// A row has 2 · repeat + spacer tokens. Sample i is of window i of the sampler's first epoch, or of the next one that is long enough, from a
/// random place in it; spacers are random other windows, joined until they fill it. A mutated base is a label like any other:
/// at rate m a perfect reader of the first copy still pays H(m) + m log2 3 bits a base.
/// </remarks>
public sealed class RepeatProbe : RowBatches
{
    private readonly GenomeWindows _windows;
    private readonly ulong _key;
    private readonly long _seed;
    private readonly long _count;

    /// <summary>Prepares filling.</summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="sampler">Held-out windows, none of which overlaps another; not shorter than the stretch.</param>
    /// <param name="alphabet">How bases become ids.</param>
    /// <param name="options">What is repeated.</param>
    /// <param name="seed">Seed of places, spacers and mutations.</param>
    /// <param name="threads">Threads that fill one batch; 0 takes one for each processor.</param>
    /// <exception cref="ArgumentException">
    /// The options are invalid, the windows too short, there is one alone although bases from elsewhere are needed, or the sampler packs.
    /// </exception>
    public RepeatProbe(GenomeSource genome, IWindowSampler sampler, Alphabet alphabet, RepeatProbeOptions options, long seed, int threads = 0)
        : this(new GenomeWindows(genome, sampler), alphabet, options, seed, threads)
    {
    }

    private RepeatProbe(GenomeWindows windows, Alphabet alphabet, RepeatProbeOptions options, long seed, int threads)
        : base(RowLength(options), threads)
    {
        ArgumentNullException.ThrowIfNull(alphabet);
        _windows = windows;
        _count = windows.Count;
        _seed = seed;
        _key = CounterRandom.Key(seed, "repeat probe");
        Alphabet = alphabet;
        Options = options;
        if (windows.Length < options.RepeatLength)
        {
            throw new ArgumentException(
                $"a stretch of {options.RepeatLength} bases is to be repeated, and the sampler's windows have {windows.Length}; use longer windows", nameof(options));
        }
        if (_count < 2 && (options.SpacerLength > 0 || options.Control))
        {
            throw new ArgumentException("a spacer comes from other windows than the stretch, and the sampler has only one; use shorter windows or more data", nameof(options));
        }
    }

    /// <summary>The alphabet in use.</summary>
    public Alphabet Alphabet { get; }

    /// <summary>What is repeated.</summary>
    public RepeatProbeOptions Options { get; }

    /// <inheritdoc/>
    public override IBatchSource Fork(int threads = 1) => new RepeatProbe(_windows, Alphabet, Options, _seed, threads);

    private protected override void Write(long sample, RowText row)
    {
        var random = new CounterRandom(_key, sample);
        int length = Options.RepeatLength;
        int second = length + Options.SpacerLength;
        Span<byte> bases = row.Scratch.Bases(Length);
        (long index, SampleWindow window) = LongEnough(sample % _count, length);
        Span<byte> copy = bases[second..];
        _windows.Read(window, (int)random.NextInt64(window.Length - length + 1), copy);
        copy.CopyTo(bases);
        Elsewhere(ref random, index, bases[(Options.Control ? 0 : length)..second]);
        if (Options.ReverseComplement)
        {
            DnaComplement.ReverseComplementInPlace(copy);
        }
        Mutate(ref random, copy);
        Alphabet.Encode(bases, row.Text);
        row.Text[Length] = Alphabet.PadId;
        int start = Options.Segment == 1 ? 0 : second;
        for (int t = start + 1; t < start + length; t++)
        {
            if (Alphabet.IsTarget(row.Text[t]))
            {
                row.Labels[t - 1] = row.Text[t];
            }
        }
    }

    private (long Index, SampleWindow Window) LongEnough(long first, int length)
    {
        for (long i = 0; i < _count; i++)
        {
            long index = (first + i) % _count;
            SampleWindow window = _windows.At(index);
            if (window.Length >= length)
            {
                return (index, window);
            }
        }
        throw new InputDataException($"no window has the {length} bases that are to be repeated", tryThis: "a shorter stretch, or longer intervals");
    }

    private void Elsewhere(ref CounterRandom random, long not, Span<byte> bases)
    {
        while (bases.Length > 0)
        {
            SampleWindow window = _windows.At((not + 1 + random.NextInt64(_count - 1)) % _count);
            int count = Math.Min(window.Length, bases.Length);
            _windows.Read(window, 0, bases[..count]);
            bases = bases[count..];
        }
    }

    private void Mutate(ref CounterRandom random, Span<byte> bases)
    {
        if (Options.MutationRate == 0)
        {
            return;
        }
        foreach (ref byte letter in bases)
        {
            byte code = BaseCode.Of(letter);
            if (code != BaseCode.None && random.NextDouble() < Options.MutationRate)
            {
                // Case is kept, as an alphabet may tell it.
                letter = (byte)("ACGT"[(code + 1 + (int)random.NextInt64(3)) & 3] | (letter & 0x20));
            }
        }
    }

    private static int RowLength(RepeatProbeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny([.. options.Validate()], nameof(options));
        return 2 * options.RepeatLength + options.SpacerLength;
    }
}
