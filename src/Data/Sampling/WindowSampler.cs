namespace GenoSeq.Data;

/// <summary>
/// Chooses windows of a genome: a pure function from a global sample index to a window. The whole state of a run is
/// therefore its next sample index, and neither resuming nor the number of ranks, threads or samples in a batch changes
/// what is seen.
/// </summary>
/// <remarks>
/// An epoch's windows follow from the rule (<see cref="WindowRule"/>), the seed and the epoch's number; shuffled, they are
/// visited in the order of a <see cref="KeyedPermutation"/>, each once. Under the tile rule the number of windows may
/// differ by one per interval between epochs. Safe to use from many threads.
/// </remarks>
public sealed class WindowSampler : IWindowSampler
{
    private const int PlansKept = 4;

    private readonly WindowLayout _layout;
    private readonly ulong _orderKey;
    private readonly long _count;
    private readonly Lock _gate = new();
    private readonly List<long> _epochStarts = [0];
    private EpochPlan?[] _recent = new EpochPlan?[PlansKept];

    /// <summary>Prepares sampling from intervals of a genome.</summary>
    /// <param name="genome">The genome; contig bounds are taken from it, and, for training, where its bases are unknown.</param>
    /// <param name="intervals">
    /// Where windows may lie: under the tile rule no window crosses an interval's border; under the published rules each
    /// interval stands for its windows, and its end may lie beyond the contig.
    /// </param>
    /// <param name="options">How to cut and order.</param>
    /// <param name="heldOut">Published rules: windows that share a base with these are left out; null: none are.</param>
    /// <exception cref="ArgumentException">The options are invalid or an interval leaves its contig.</exception>
    /// <exception cref="InputDataException">No window fits in any interval.</exception>
    public WindowSampler(
        GenomeSource genome, IReadOnlyList<GenomeInterval> intervals, WindowSamplerOptions options, IntervalSet? heldOut = null)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(intervals);
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        Options = options;
        _layout = WindowLayouts.Create(genome, intervals, options, heldOut, Excluded);
        _orderKey = CounterRandom.Key(options.Seed, "window order");
        _count = _layout.SameEveryEpoch ? _layout.CountIn(0) : -1;
    }

    /// <summary>The options this sampler was made with.</summary>
    public WindowSamplerOptions Options { get; }

    /// <inheritdoc/>
    public int Length => Options.Length;

    /// <inheritdoc/>
    public bool Packs => _layout.Packs is not null;

    /// <summary>Rows that hold several short intervals.</summary>
    public int PackCount => _layout.Packs?.Count ?? 0;

    /// <summary>Intervals in use, cut where no window may lie; those that are packed are not among them.</summary>
    public IReadOnlyList<GenomeInterval> Intervals => _layout.Intervals;

    /// <summary>Every base that a window of any epoch may have.</summary>
    public IntervalSet Reach => new(_layout.Reach);

    /// <summary>What is in no window, and why.</summary>
    public ExclusionLog Excluded { get; } = new();

    /// <summary>Intervals, or pieces of them, that are in no window.</summary>
    public long ExcludedIntervals => Excluded.Intervals;

    /// <summary>Bases in the intervals left out.</summary>
    public long ExcludedBases => Excluded.Bases;

    /// <summary>Number of windows in an epoch; the same in every epoch unless shuffled under the tile rule.</summary>
    public long WindowsPerEpoch(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return _count >= 0 ? _count : _layout.CountIn(epoch);
    }

    /// <summary>The window of a global sample index.</summary>
    /// <param name="sampleIndex">Index from 0, counted over all epochs.</param>
    public SampleWindow At(long sampleIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sampleIndex);
        foreach (EpochPlan? plan in Volatile.Read(ref _recent))
        {
            if (plan is not null && plan.Contains(sampleIndex))
            {
                return plan.At(sampleIndex);
            }
        }
        return PlanOf(sampleIndex).At(sampleIndex);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<GenomeInterval> PackSegments(int pack)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pack);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(pack, PackCount);
        return _layout.Packs!.Segments(pack);
    }

    private EpochPlan PlanOf(long sampleIndex)
    {
        lock (_gate)
        {
            (int epoch, long first) = _count >= 0
                ? (checked((int)(sampleIndex / _count)), sampleIndex / _count * _count)
                : Find(sampleIndex);
            EpochCut cut = _layout.Cut(epoch);
            KeyedPermutation? order = Options.Shuffle
                ? new KeyedPermutation(cut.Count, _orderKey ^ CounterRandom.Mix((ulong)epoch))
                : null;
            var plan = new EpochPlan(epoch, first, cut, order);
            // Readers take no lock, so the set of recent plans is replaced as a whole, the oldest falling out.
            Volatile.Write(ref _recent, [plan, .. _recent.Take(PlansKept - 1)]);
            return plan;
        }
    }

    private (int Epoch, long FirstSample) Find(long sampleIndex)
    {
        while (_epochStarts[^1] <= sampleIndex)
        {
            _epochStarts.Add(_epochStarts[^1] + _layout.CountIn(_epochStarts.Count - 1));
        }
        int found = _epochStarts.BinarySearch(sampleIndex);
        int epoch = found >= 0 ? found : ~found - 1;
        return (epoch, _epochStarts[epoch]);
    }
}
