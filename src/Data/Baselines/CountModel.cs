using System.Buffers;

namespace GenoSeq.Data;

/// <summary>A model of single bases made of counts, the yardstick that a neural model has to beat.</summary>
/// <remarks>
/// Smoothing interpolates each context's counts with the estimate of the next shorter context, the recursive scheme
/// with a fixed pseudo-count mass (MacKay and Peto, "A hierarchical Dirichlet language model", 1995). Words with
/// anything but A, C, G, T are not counted. Fitting is not thread-safe; scoring a fitted model is.
/// </remarks>
public abstract class CountModel : IBaseline
{
    private const int BlockSize = 1 << 20;

    /// <summary>The most tables that one fit counts in: at order 12 each takes 268 MB.</summary>
    public const int MaxTables = 4;

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

    /// <summary>
    /// Adds the words of intervals to the counts, on several threads with a table each where there are enough bases for it.
    /// The counts are those of <see cref="Fit(GenomeSource, IReadOnlyList{GenomeInterval})"/>.
    /// </summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="intervals">Which of them.</param>
    /// <param name="threads">Threads; 0 takes one for each processor, at most <see cref="MaxTables"/>.</param>
    /// <param name="stop">Ends the work.</param>
    public void Fit(GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, int threads, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(intervals);
        GenomeInterval[] blocks = Blocks(intervals, out GenomeInterval[] owners);
        threads = Math.Min(threads == 0 ? Environment.ProcessorCount : threads, MaxTables);
        // A table for each thread has to be cleared and added: not worth it for fewer bases than it has counters.
        threads = (int)Math.Clamp(Math.Min(blocks.Length, blocks.LongLength * BlockSize / Counts.Length), 1, Math.Max(1, threads));
        var tables = new uint[threads][];
        var words = new long[threads];
        int next = -1;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = stop }, t =>
        {
            uint[] table = t == 0 ? Counts : new uint[Counts.Length];
            tables[t] = table;
            byte[] buffer = ArrayPool<byte>.Shared.Rent(BlockSize + _wordLength);
            int b;
            while ((b = Interlocked.Increment(ref next)) < blocks.Length && !stop.IsCancellationRequested)
            {
                // A word belongs to the block of its last base; the bases before that are read with it.
                long from = Math.Max(owners[b].Start, blocks[b].Start - _wordLength + 1);
                int lead = (int)(blocks[b].Start - from);
                Span<byte> bases = buffer.AsSpan(0, (int)(blocks[b].End - from));
                genome.Read(blocks[b].Contig, from, bases);
                var roller = new WordRoller(_wordLength);
                for (int i = 0; i < lead; i++)
                {
                    roller.Push(bases[i]);
                }
                words[t] += Count(table, bases[lead..], ref roller);
            }
            ArrayPool<byte>.Shared.Return(buffer);
        });
        stop.ThrowIfCancellationRequested();
        for (int t = 1; t < threads; t++)
        {
            AddSaturated(Counts, tables[t]);
        }
        WordsCounted += words.Sum();
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

    /// <inheritdoc/>
    public void Bits(ReadOnlySpan<byte> window, Span<double> bits)
    {
        for (int i = 0; i < window.Length; i++)
        {
            bits[i] = Bits(window, i);
        }
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

    /// <summary>
    /// Mean bits per base over all A, C, G, T of intervals for this model and each with less context behind it, in one pass:
    /// entry k is what a model of k bases (of context, or on each side) has, apart from the few words that begin before a
    /// longer one does.
    /// </summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="intervals">Which of them; each is scored within itself.</param>
    /// <param name="threads">Threads; 0 takes one for each processor. The result does not depend on it.</param>
    /// <param name="stop">Ends the work.</param>
    /// <returns>[steps] bits per base, and the number of bases scored; NaN and 0 if there is none.</returns>
    public (double[] BitsPerBase, long Bases) EvaluateSteps(
        GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, int threads = 0, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(intervals);
        GenomeInterval[] blocks = Blocks(intervals, out GenomeInterval[] owners);
        // Sums of each block, added in order afterwards: the result must not depend on which thread had which block.
        var sums = new double[blocks.Length][];
        var scored = new long[blocks.Length];
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = threads == 0 ? Environment.ProcessorCount : threads,
            CancellationToken = stop,
        };
        Parallel.For(0, blocks.Length, options, b =>
        {
            GenomeInterval block = blocks[b];
            long from = Math.Max(owners[b].Start, block.Start - _wordLength);
            long to = Math.Min(owners[b].End, block.End + _wordLength);
            byte[] buffer = ArrayPool<byte>.Shared.Rent((int)(to - from));
            Span<byte> bases = buffer.AsSpan(0, (int)(to - from));
            genome.Read(block.Contig, from, bases);
            var totals = new double[Steps];
            for (int i = (int)(block.Start - from); i < (int)(block.End - from); i++)
            {
                int code = BaseCode.Of(bases[i]);
                if (code != BaseCode.None)
                {
                    AddBits(bases, i, code, totals);
                    scored[b]++;
                }
            }
            sums[b] = totals;
            ArrayPool<byte>.Shared.Return(buffer);
        });
        long bases = scored.Sum();
        var result = new double[Steps];
        for (int k = 0; k < result.Length; k++)
        {
            double total = 0;
            foreach (double[] sum in sums)
            {
                total += sum[k];
            }
            result[k] = bases == 0 ? double.NaN : total / bases;
        }
        return (result, bases);
    }

    /// <summary>Models of this and of less context that <see cref="EvaluateSteps"/> scores.</summary>
    private protected abstract int Steps { get; }

    /// <summary>Adds −log2 P of a base to the totals of each step.</summary>
    private protected abstract void AddBits(ReadOnlySpan<byte> window, int position, int code, Span<double> totals);

    /// <summary>P of one base over the shorter context, interpolated with one context's counts.</summary>
    private protected double Interpolate(double count, double all, double p) =>
        (count + Options.Alpha * p) / (all + Options.Alpha);

    private static GenomeInterval[] Blocks(IReadOnlyList<GenomeInterval> intervals, out GenomeInterval[] owners)
    {
        var blocks = new List<GenomeInterval>();
        var of = new List<GenomeInterval>();
        foreach (GenomeInterval interval in intervals)
        {
            for (long start = interval.Start; start < interval.End; start += BlockSize)
            {
                blocks.Add(new GenomeInterval(interval.Contig, start, Math.Min(interval.End, start + BlockSize)));
                of.Add(interval);
            }
        }
        owners = [.. of];
        return [.. blocks];
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

    private static void AddSaturated(uint[] counts, uint[] more)
    {
        for (int i = 0; i < counts.Length; i++)
        {
            uint sum = counts[i] + more[i];
            counts[i] = sum < more[i] ? uint.MaxValue : sum;
        }
    }

    private void Count(ReadOnlySpan<byte> bases, ref WordRoller roller) => WordsCounted += Count(Counts, bases, ref roller);

    private long Count(uint[] counts, ReadOnlySpan<byte> bases, ref WordRoller roller)
    {
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
        return words;
    }
}
