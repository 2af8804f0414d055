using System.Buffers;

namespace GenoSeq.Data;

/// <summary>A model of single bases made of counts, the yardstick that a neural model has to beat.</summary>
/// <remarks>
/// Smoothing interpolates each context's counts with the estimate of the next shorter context, the recursive scheme
/// with a fixed pseudo-count mass (MacKay and Peto, "A hierarchical Dirichlet language model", 1995). Words with
/// anything but A, C, G, T are not counted. Fitting is not thread-safe; scoring a fitted model is.
/// </remarks>
public abstract class CountModel
{
    private const int BlockSize = 1 << 20;

    private readonly int _wordLength;

    /// <param name="wordLength">Bases in a counted word: the base and its context.</param>
    /// <param name="options">Smoothing and strands.</param>
    private protected CountModel(int wordLength, CountModelOptions options)
    {
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        Options = options;
        _wordLength = wordLength;
        Counts = new uint[1 << (2 * wordLength)];
    }

    /// <summary>Smoothing and strands.</summary>
    public CountModelOptions Options { get; }

    /// <summary>Short name for result tables.</summary>
    public abstract string Name { get; }

    /// <summary>Number of words counted, both strands together.</summary>
    public long WordsCounted { get; private set; }

    /// <summary>[4^word length], how often each word was seen; counters stop at their largest value.</summary>
    private protected uint[] Counts { get; }

    /// <summary>Adds the words of intervals to the counts. May be called again with more data.</summary>
    public void Fit(GenomeSource genome, IReadOnlyList<GenomeInterval> intervals)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(intervals);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BlockSize);
        foreach (GenomeInterval interval in intervals)
        {
            var roller = new WordRoller(_wordLength);
            for (long start = interval.Start; start < interval.End; start += BlockSize)
            {
                Span<byte> bases = buffer.AsSpan(0, (int)Math.Min(BlockSize, interval.End - start));
                genome.Read(interval.Contig, start, bases);
                Count(bases, ref roller);
            }
        }
        ArrayPool<byte>.Shared.Return(buffer);
        FinishFit();
    }

    /// <summary>Adds the words of one sequence to the counts.</summary>
    /// <param name="bases">ASCII, either case.</param>
    public void Fit(ReadOnlySpan<byte> bases)
    {
        var roller = new WordRoller(_wordLength);
        Count(bases, ref roller);
        FinishFit();
    }

    /// <summary>Information of one base given its context, −log2 P, in bits.</summary>
    /// <param name="window">ASCII bases around the position.</param>
    /// <param name="position">Index in the window.</param>
    /// <returns>
    /// Bits; NaN where the base itself is not A, C, G or T. Where the context is cut by the window's border or a
    /// non-base, the longest whole context is used.
    /// </returns>
    public double Bits(ReadOnlySpan<byte> window, int position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, window.Length);
        Span<double> p = stackalloc double[4];
        byte code = BaseCode.Of(window[position]);
        if (code == BaseCode.None)
        {
            return double.NaN;
        }
        Distribution(window, position, p);
        return -Math.Log2(p[code]);
    }

    /// <summary>
    /// Probabilities of A, C, G, T at a position given the bases around it (the base there is not looked at).
    /// </summary>
    /// <param name="window">ASCII bases around the position.</param>
    /// <param name="position">Index in the window.</param>
    /// <param name="probabilities">[4], receives the distribution.</param>
    public abstract void Distribution(ReadOnlySpan<byte> window, int position, Span<double> probabilities);

    /// <summary>Mean bits per base over all A, C, G, T of intervals, each scored within its interval.</summary>
    /// <returns>Bits per base and the number of bases scored; NaN and 0 if there is none.</returns>
    public (double BitsPerBase, long Bases) Evaluate(GenomeSource genome, IReadOnlyList<GenomeInterval> intervals)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(intervals);
        double total = 0;
        long scored = 0;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BlockSize + 2 * _wordLength);
        foreach (GenomeInterval interval in intervals)
        {
            for (long start = interval.Start; start < interval.End; start += BlockSize)
            {
                // The block is read with enough on both sides for its outermost contexts.
                long end = Math.Min(start + BlockSize, interval.End);
                long from = Math.Max(interval.Start, start - _wordLength);
                long to = Math.Min(interval.End, end + _wordLength);
                Span<byte> bases = buffer.AsSpan(0, (int)(to - from));
                genome.Read(interval.Contig, from, bases);
                for (int i = (int)(start - from); i < (int)(end - from); i++)
                {
                    double bits = Bits(bases, i);
                    if (!double.IsNaN(bits))
                    {
                        total += bits;
                        scored++;
                    }
                }
            }
        }
        ArrayPool<byte>.Shared.Return(buffer);
        return (scored == 0 ? double.NaN : total / scored, scored);
    }

    /// <summary>Derives the shorter contexts' tables from the longest one's.</summary>
    private protected abstract void FinishFit();

    /// <summary>Replaces P over the shorter context by the interpolation with one context's counts.</summary>
    private protected void Interpolate(double c0, double c1, double c2, double c3, Span<double> p)
    {
        double alpha = Options.Alpha;
        double scale = 1 / (c0 + c1 + c2 + c3 + alpha);
        p[0] = (c0 + alpha * p[0]) * scale;
        p[1] = (c1 + alpha * p[1]) * scale;
        p[2] = (c2 + alpha * p[2]) * scale;
        p[3] = (c3 + alpha * p[3]) * scale;
    }

    private static void Increment(ref uint counter) => counter += counter == uint.MaxValue ? 0u : 1u;

    private void Count(ReadOnlySpan<byte> bases, ref WordRoller roller)
    {
        uint[] counts = Counts;
        bool both = Options.BothStrands;
        long words = 0;
        foreach (byte b in bases)
        {
            if (!roller.Push(b))
            {
                continue;
            }
            Increment(ref counts[roller.Forward]);
            words++;
            if (both)
            {
                Increment(ref counts[roller.Reverse]);
                words++;
            }
        }
        WordsCounted += words;
    }
}
