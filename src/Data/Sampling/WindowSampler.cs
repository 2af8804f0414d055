using System.Buffers;

namespace GenoSeq.Data;

/// <summary>
/// Chooses windows of a genome: a pure function from a global sample index to a window. The whole state of a run is
/// therefore its next sample index, and neither resuming nor the number of ranks, threads or samples in a batch changes
/// what is seen.
/// </summary>
/// <remarks>
/// Shuffled (training): in every epoch each interval is cut in windows side by side from a random phase in [0, Length),
/// limited so that at least one window fits; the windows of all intervals are visited in the order of a
/// <see cref="KeyedPermutation"/>, each once. The number of windows may differ by one per interval between epochs. Not
/// shuffled (evaluation): windows from each interval's start, in order. Safe to use from many threads.
/// </remarks>
public sealed class WindowSampler : IWindowSampler
{
    private const int MaxRedraws = 64;
    private const int PlansKept = 4;

    private readonly GenomeSource _genome;
    private readonly GenomeInterval[] _intervals;
    private readonly ulong _phaseKey;
    private readonly ulong _redrawKey;
    private readonly EpochPlan? _fixedPlan;
    private readonly bool _checkN;
    private readonly Lock _gate = new();
    private readonly List<long> _epochStarts = [0];
    private EpochPlan?[] _recent = new EpochPlan?[PlansKept];

    /// <summary>Prepares sampling from intervals of a genome.</summary>
    /// <param name="genome">The genome; needed for contig bounds and for counting N.</param>
    /// <param name="intervals">Where windows may lie; no window crosses an interval's border.</param>
    /// <param name="options">How to cut and order.</param>
    /// <exception cref="ArgumentException">The options are invalid or an interval leaves its contig.</exception>
    /// <exception cref="InputDataException">No window fits in any interval.</exception>
    public WindowSampler(GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, WindowSamplerOptions options)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(intervals);
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        _genome = genome;
        Options = options;
        bool keepShort = !options.Shuffle && options.Tail == TailPolicy.Short;
        var kept = new List<GenomeInterval>(intervals.Count);
        long longest = 0;
        foreach (GenomeInterval interval in intervals)
        {
            CheckInterval(genome, interval);
            longest = Math.Max(longest, interval.Length);
            if (interval.Length >= options.Length || (keepShort && interval.Length > 0))
            {
                kept.Add(interval);
            }
            else
            {
                ExcludedIntervals++;
                ExcludedBases += interval.Length;
            }
        }
        if (kept.Count == 0)
        {
            throw new InputDataException(
                "the context is longer than the data",
                $"window length {options.Length}, longest of {intervals.Count} intervals {longest} bases",
                $"at least one interval of {options.Length} bases or more",
                "a shorter context, or data with longer contigs or intervals");
        }
        _intervals = [.. kept];
        _phaseKey = CounterRandom.Key(options.Seed, "window phase");
        _redrawKey = CounterRandom.Key(options.Seed, "window redraw");
        _fixedPlan = options.Shuffle ? null : MakePlan(0, 0);
        _checkN = options.Shuffle && options.MaxNFraction < 1 && genome.Digest.NCount > 0;
    }

    /// <summary>The options this sampler was made with.</summary>
    public WindowSamplerOptions Options { get; }

    /// <inheritdoc/>
    public int Length => Options.Length;

    /// <inheritdoc/>
    public bool Packs => false;

    /// <summary>Intervals in use.</summary>
    public IReadOnlyList<GenomeInterval> Intervals => _intervals;

    /// <summary>Intervals left out because they are shorter than a window.</summary>
    public int ExcludedIntervals { get; }

    /// <summary>Bases in the intervals left out.</summary>
    public long ExcludedBases { get; }

    /// <summary>Number of windows in an epoch; the same in every epoch unless shuffled.</summary>
    public long WindowsPerEpoch(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return _fixedPlan?.Count ?? CountWindows(epoch);
    }

    /// <summary>The window of a global sample index.</summary>
    /// <param name="sampleIndex">Index from 0, counted over all epochs.</param>
    /// <exception cref="InputDataException">Every window of the epoch has more N than allowed.</exception>
    public SampleWindow At(long sampleIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sampleIndex);
        EpochPlan plan;
        int epoch;
        long index;
        if (_fixedPlan is not null)
        {
            plan = _fixedPlan;
            epoch = checked((int)(sampleIndex / plan.Count));
            index = sampleIndex % plan.Count;
        }
        else
        {
            plan = PlanOf(sampleIndex);
            epoch = plan.Epoch;
            index = plan.Order!.Value[sampleIndex - plan.FirstSample];
        }
        SampleWindow window = Cut(plan, epoch, index);
        return _checkN && HasTooManyN(window) ? Redraw(plan, sampleIndex) : window;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<GenomeInterval> PackSegments(int pack) =>
        throw new ArgumentOutOfRangeException(nameof(pack), pack, "this sampler makes no packs");

    private static void CheckInterval(GenomeSource genome, GenomeInterval interval)
    {
        if ((uint)interval.Contig >= (uint)genome.Contigs.Count || interval.Start < 0 || interval.End < interval.Start
            || interval.End > genome.Contigs[interval.Contig].Length)
        {
            throw new ArgumentException($"{interval} is no interval of this genome", nameof(interval));
        }
    }

    private SampleWindow Cut(EpochPlan plan, int epoch, long index)
    {
        (int i, long ordinal) = plan.Locate(index);
        GenomeInterval interval = _intervals[i];
        int length = Options.Length;
        long start = interval.Start + Phase(epoch, i) + ordinal * length;
        int targetStart = 0;
        long missing = start + length - interval.End;
        if (missing > 0)
        {
            if (Options.Tail == TailPolicy.SlideBack)
            {
                start -= missing;
                targetStart = (int)missing;
            }
            else
            {
                length -= (int)missing;
            }
        }
        return new SampleWindow(
            interval.Contig, start, length, epoch, targetStart, start > interval.Start, start + length < interval.End);
    }

    private long Phase(int epoch, int interval)
    {
        if (!Options.Shuffle)
        {
            return 0;
        }
        var random = new CounterRandom(_phaseKey, epoch);
        ulong word = ((ulong)random.WordAt(2UL * (ulong)interval) << 32) | random.WordAt(2UL * (ulong)interval + 1);
        // Limited so that an interval that holds a window at all always has one.
        ulong phases = (ulong)Math.Min(Options.Length, _intervals[interval].Length - Options.Length + 1);
        return (long)Math.BigMul(word, phases, out _);
    }

    private long CountIn(int epoch, int interval)
    {
        long bases = _intervals[interval].Length - Phase(epoch, interval);
        bool tailCounts = !Options.Shuffle && Options.Tail != TailPolicy.Drop;
        return (bases + (tailCounts ? Options.Length - 1 : 0)) / Options.Length;
    }

    private long CountWindows(int epoch)
    {
        long count = 0;
        for (int i = 0; i < _intervals.Length; i++)
        {
            count += CountIn(epoch, i);
        }
        return count;
    }

    private EpochPlan MakePlan(int epoch, long firstSample)
    {
        var firstWindow = new long[_intervals.Length + 1];
        for (int i = 0; i < _intervals.Length; i++)
        {
            firstWindow[i + 1] = firstWindow[i] + CountIn(epoch, i);
        }
        KeyedPermutation? order = Options.Shuffle
            ? new KeyedPermutation(firstWindow[^1],
                CounterRandom.Key(Options.Seed, "window order") ^ CounterRandom.Mix((ulong)epoch))
            : null;
        return new EpochPlan(epoch, firstSample, firstWindow, order);
    }

    private EpochPlan PlanOf(long sampleIndex)
    {
        foreach (EpochPlan? plan in Volatile.Read(ref _recent))
        {
            if (plan is not null && plan.Contains(sampleIndex))
            {
                return plan;
            }
        }
        lock (_gate)
        {
            while (_epochStarts[^1] <= sampleIndex)
            {
                _epochStarts.Add(_epochStarts[^1] + CountWindows(_epochStarts.Count - 1));
            }
            int found = _epochStarts.BinarySearch(sampleIndex);
            int epoch = found >= 0 ? found : ~found - 1;
            EpochPlan plan = MakePlan(epoch, _epochStarts[epoch]);
            // Readers take no lock, so the set of recent plans is replaced as a whole, the oldest falling out.
            Volatile.Write(ref _recent, [plan, .. _recent.Take(PlansKept - 1)]);
            return plan;
        }
    }

    private SampleWindow Redraw(EpochPlan plan, long sampleIndex)
    {
        var random = new CounterRandom(_redrawKey, sampleIndex);
        for (int attempt = 0; attempt < MaxRedraws; attempt++)
        {
            SampleWindow window = Cut(plan, plan.Epoch, random.NextInt64(plan.Count));
            if (!HasTooManyN(window))
            {
                return window;
            }
        }
        long from = random.NextInt64(plan.Count);
        for (long i = 0; i < plan.Count; i++)
        {
            SampleWindow window = Cut(plan, plan.Epoch, (from + i) % plan.Count);
            if (!HasTooManyN(window))
            {
                return window;
            }
        }
        throw new InputDataException(
            FormattableString.Invariant(
                $"every window of {Options.Length} bases has more than {Options.MaxNFraction:P0} N"),
            $"{plan.Count} windows in {_intervals.Length} intervals", "windows with known bases",
            "a larger share of N, a shorter context, or intervals without gaps");
    }

    private bool HasTooManyN(SampleWindow window)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(window.Length);
        Span<byte> bases = buffer.AsSpan(0, window.Length);
        _genome.Read(window.Contig, window.Start, bases);
        int n = bases.Count((byte)'N') + bases.Count((byte)'n');
        ArrayPool<byte>.Shared.Return(buffer);
        return n > Options.MaxNFraction * window.Length;
    }
}
