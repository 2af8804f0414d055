using System.Buffers;
using System.Numerics;

namespace GenoSeq.Data;

/// <summary>
/// A statistical compressor of DNA as a model of the next base: counts behind contexts of many lengths, copies of long repeats and inverted repeats,
/// and a mixture of all of them that learns base by base which to believe. It is what remains to be beaten where counts of one order have been.
/// </summary>
/// <remarks>
/// Of the kind of XM (Cao et al. 2007, "A simple statistical algorithm for biological sequence compression"), GeCo (Pratas et al. 2016) and cmix.
/// Strictly causal: a base is predicted, then learnt from. Arithmetic runs in one order, so the same bases give the same probabilities.
/// An instance is not thread-safe.
/// </remarks>
public sealed class MixedOrderModel : IBaseline
{
    private const int BlockSize = 1 << 16;

    // Positions are kept in int, and arrays end a little below.
    private const long MostHistory = 2_000_000_000;

    private readonly ContextCounts[] _counts;
    private readonly CopyExpert[] _copies;
    private readonly RepeatIndex[] _repeats;
    private readonly BaseMixer _mixer = new();
    private readonly double[] _next = new double[4];
    private readonly long _historyLimit;
    private byte[] _history;
    private int _count;
    private ulong _word;
    private int _valid;
    private bool _predicted;

    /// <summary>Creates an empty model.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="expectedBases">Bases that it will read: tables are made for as many, within <see cref="MixedOrderOptions.MemoryBytes"/>.</param>
    /// <exception cref="ArgumentException">The options make no model.</exception>
    public MixedOrderModel(MixedOrderOptions? options, long expectedBases)
    {
        Options = options ?? new MixedOrderOptions();
        OptionsProblems.ThrowIfAny(Options.Validate(), nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(expectedBases);
        Plan plan = Plan.Of(Options, expectedBases);
        _historyLimit = plan.History;
        _history = new byte[plan.History];
        _counts = [.. Options.Orders.Select(o => new ContextCounts(o, plan.Slots))];
        _repeats = [.. Options.RepeatLengths.Select(l => new RepeatIndex(l, plan.RepeatSlots))];
        _copies = [.. Options.RepeatLengths.SelectMany(l => Options.BothStrands ? new CopyExpert[] { new(l, false), new(l, true) } : [new(l, false)])];
        MemoryBytes = plan.Bytes;
    }

    /// <summary>What is counted.</summary>
    public MixedOrderOptions Options { get; }

    /// <summary>Bytes of all tables.</summary>
    public long MemoryBytes { get; }

    /// <summary>mixed, or mixed-K where the longest context is K and not the default's.</summary>
    public string Name => Options.Orders[^1] == MixedOrderOptions.MaxOrder ? "mixed" : FormattableString.Invariant($"mixed-{Options.Orders[^1]}");

    /// <summary>Learns from one sequence, with a break before it.</summary>
    /// <param name="bases">ASCII, either case.</param>
    public void Fit(ReadOnlySpan<byte> bases)
    {
        Break();
        Read(bases, true, default);
    }

    /// <summary>Learns from intervals of a genome, each a sequence of its own.</summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="intervals">Which of them.</param>
    /// <param name="stop">Ends the work.</param>
    public void Fit(GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, CancellationToken stop = default) => Read(genome, intervals, true, stop);

    /// <summary>Mean bits per base over all A, C, G, T of intervals, each read from its start with nothing before it.</summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="intervals">Which of them.</param>
    /// <param name="adaptive">Go on learning, as a compressor does; else the model stays as it is.</param>
    /// <param name="stop">Ends the work.</param>
    /// <returns>Bits per base and the number of bases scored; NaN and 0 if there is none.</returns>
    public (double BitsPerBase, long Bases) Evaluate(GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, bool adaptive, CancellationToken stop = default)
    {
        (double bits, long bases) = Read(genome, intervals, adaptive, stop);
        return (bases == 0 ? double.NaN : bits / bases, bases);
    }

    /// <inheritdoc/>
    public (double BitsPerBase, long Bases) Evaluate(GenomeSource genome, IReadOnlyList<GenomeInterval> intervals) => Evaluate(genome, intervals, false);

    /// <inheritdoc/>
    public void Bits(ReadOnlySpan<byte> window, Span<double> bits)
    {
        Break();
        Read(window, false, bits[..window.Length]);
    }

    /// <summary>Probabilities of A, C, G, T for the next base, given all that was read since the last break. Asking changes nothing.</summary>
    /// <param name="probabilities">[4], receives the distribution, whose sum is 1.</param>
    public void Distribution(Span<double> probabilities)
    {
        Predict();
        _next.CopyTo(probabilities);
    }

    /// <summary>Reads one base. Anything but A, C, G, T is a break.</summary>
    /// <param name="value">ASCII, either case.</param>
    /// <param name="learn">Learn from it; else only later contexts know of it.</param>
    /// <returns>Its information, -log2 P, in bits; NaN of a break.</returns>
    public double Push(byte value, bool learn = true)
    {
        int code = BaseCode.Of(value);
        if (code == BaseCode.None)
        {
            Break();
            return double.NaN;
        }
        ulong before = _word, after = (before << 2) | (uint)code, reverse = RepeatIndex.ReverseComplement(after, 32);
        Prefetch(after, reverse, learn);
        Predict();
        double bits = -Math.Log2(_next[code]);
        if (learn)
        {
            _mixer.Learn(code);
            for (int i = 0; i < _counts.Length && _counts[i].Order <= _valid; i++)
            {
                _counts[i].Learn(_word, code);
            }
        }
        foreach (CopyExpert copy in _copies)
        {
            copy.Advance(code, learn);
        }
        _word = after;
        if (learn && Options.BothStrands)
        {
            LearnOtherStrand(before, reverse);
        }
        _valid = Math.Min(32, _valid + 1);
        Seek(learn && Remember((byte)code));
        _predicted = false;
        return bits;
    }

    /// <summary>What comes next does not follow what was read so far.</summary>
    public void Break()
    {
        if (_valid == 0)
        {
            return;
        }
        (_word, _valid, _predicted) = (0, 0, false);
        foreach (CopyExpert copy in _copies)
        {
            copy.Break();
        }
        // No repeat goes on behind a break.
        if (_count > 0 && _history[_count - 1] != BaseCode.None)
        {
            Remember(BaseCode.None);
        }
    }

    private (double Bits, long Bases) Read(GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, bool learn, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(intervals);
        (double bits, long scored) = (0, 0);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BlockSize);
        foreach (GenomeInterval interval in intervals)
        {
            Break();
            for (long start = interval.Start; start < interval.End; start += BlockSize)
            {
                stop.ThrowIfCancellationRequested();
                Span<byte> bases = buffer.AsSpan(0, (int)Math.Min(BlockSize, interval.End - start));
                genome.Read(interval.Contig, start, bases);
                (double more, long count) = Read(bases, learn, default);
                bits += more;
                scored += count;
            }
        }
        ArrayPool<byte>.Shared.Return(buffer);
        return (bits, scored);
    }

    // Bits of each base go into a span that is as long, if there is one.
    private (double Bits, long Bases) Read(ReadOnlySpan<byte> bases, bool learn, Span<double> each)
    {
        double total = 0;
        long scored = 0;
        for (int i = 0; i < bases.Length; i++)
        {
            double bits = Push(bases[i], learn);
            if (!each.IsEmpty)
            {
                each[i] = bits;
            }
            if (!double.IsNaN(bits))
            {
                total += bits;
                scored++;
            }
        }
        return (total, scored);
    }

    private void Predict()
    {
        if (_predicted)
        {
            return;
        }
        Span<float> inputs = _mixer.Inputs;
        Span<int> known = _mixer.Known;
        int longest = 0, sure = 0, column = 0;
        for (; column < _counts.Length; column++)
        {
            if (_counts[column].Order > _valid)
            {
                known[column] = -1;
                Clear(inputs, column);
                continue;
            }
            known[column] = _counts[column].Predict(_word, inputs, column);
            longest = known[column] >= 0 ? column : longest;
        }
        foreach (CopyExpert copy in _copies)
        {
            sure = Math.Max(sure, copy.Predict(_history, _count, inputs, column));
            known[column++] = 0;
        }
        _mixer.State = (longest * 4) + sure;
        _mixer.Word = (int)(_word & 255);
        _mixer.Mix(_next);
        _predicted = true;
    }

    // What is looked at when the base has been learnt, while it is.
    private void Prefetch(ulong after, ulong reverse, bool learn)
    {
        bool other = learn && Options.BothStrands;
        foreach (ContextCounts counts in _counts)
        {
            counts.Prefetch(after);
            if (other)
            {
                counts.Prefetch(reverse >> (64 - (2 * counts.Order)));
            }
        }
        foreach (RepeatIndex repeats in _repeats)
        {
            repeats.Prefetch(after);
            if (Options.BothStrands)
            {
                repeats.Prefetch(reverse >> (64 - (2 * repeats.Length)));
            }
        }
    }

    // On the other strand the newest bases' complements come first, and the base behind an order's context is the oldest one's.
    private void LearnOtherStrand(ulong before, ulong reverse)
    {
        foreach (ContextCounts counts in _counts)
        {
            if (counts.Order > _valid)
            {
                return;
            }
            counts.Add(reverse >> (64 - (2 * counts.Order)), 3 - (int)((before >> (2 * (counts.Order - 1))) & 3));
        }
    }

    private void Seek(bool remembered)
    {
        for (int i = 0, c = 0; i < _repeats.Length; i++)
        {
            int length = Options.RepeatLengths[i];
            for (; c < _copies.Length && _copies[c].Length == length; c++)
            {
                if (_valid >= length)
                {
                    _copies[c].Seek(_word, _valid, _history, _count, _repeats[i]);
                }
            }
            if (remembered && _valid >= length)
            {
                _repeats[i].Add(_word, _count);
            }
        }
    }

    private bool Remember(byte code)
    {
        if (_count >= _historyLimit)
        {
            return false;
        }
        _history[_count++] = code;
        return true;
    }

    private static void Clear(Span<float> inputs, int column)
    {
        for (int b = 0; b < 4; b++)
        {
            inputs[(b * BaseMixer.Stride) + column] = 0;
        }
    }

    /// <summary>Sizes of tables.</summary>
    private readonly record struct Plan(long Slots, long RepeatSlots, long History, long Bytes)
    {
        private const long LeastSlots = 1 << 12;

        internal static Plan Of(MixedOrderOptions options, long bases)
        {
            int hashed = options.Orders.Count(ContextCounts.MayHash), indexes = options.RepeatLengths.Count;
            // Every base and break, and a few more.
            long history = Math.Min(Math.Min(bases + (bases / 16) + 1024, options.MemoryBytes / 8), MostHistory);
            long repeats = Power(Math.Clamp(bases, LeastSlots, options.MemoryBytes / 64));
            long left = options.MemoryBytes - history - (RepeatIndex.PlaceBytes * repeats * indexes)
                - options.Orders.Where(o => !ContextCounts.MayHash(o)).Sum(ContextCounts.DirectBytes);
            long wanted = RoundUp(Math.Max(bases, LeastSlots) * (options.BothStrands ? 2 : 1));
            long slots = Math.Max(LeastSlots, hashed == 0 ? LeastSlots : Math.Min(wanted, Power(left / (4 * hashed))));
            long bytes = options.MemoryBytes - left + options.Orders.Where(ContextCounts.MayHash).Sum(o => Math.Min(4 * slots, ContextCounts.DirectBytes(o)));
            return new Plan(slots, repeats, history, bytes);
        }

        private static long Power(long n) => 1L << BitOperations.Log2((ulong)Math.Max(1, n));

        private static long RoundUp(long n) => Math.Min(1L << 30, (long)BitOperations.RoundUpToPowerOf2((ulong)n));
    }
}
