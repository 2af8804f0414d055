namespace GenoSeq.Data;

/// <summary>One part of a mixture.</summary>
/// <param name="Name">What to call it.</param>
/// <param name="Sampler">Its windows.</param>
/// <param name="Weight">Its share of the samples, in proportion to the others'; positive.</param>
public sealed record MixtureSource(string Name, IWindowSampler Sampler, double Weight);

/// <summary>
/// Mixes the windows of several sources by weight. Time is cut in cycles of a fixed number of samples; every cycle holds a
/// whole number of each source's samples (<see cref="Quotas"/>) in an order drawn for that cycle. A source's samples are
/// taken in its own order without leaving one out, so each source runs through all its windows once in each of its own
/// epochs, and source and place follow from the sample index alone, in constant time.
/// </summary>
public sealed class MixtureSampler : IWindowSampler
{
    /// <summary>Samples in a cycle, unless a small weight needs more.</summary>
    public const int ShortestCycle = 4096;

    private const int LongestCycle = 1 << 20;

    private readonly MixtureSource[] _sources;
    private readonly int[] _quotas;
    private readonly int[] _firstPlace;
    private readonly int[] _firstPack;
    private readonly ulong _key;
    private readonly KeyedPermutation _order;

    /// <summary>Prepares mixing.</summary>
    /// <param name="sources">At least one; all of one window length, over one genome.</param>
    /// <param name="seed">Chooses the order inside cycles.</param>
    /// <exception cref="ArgumentException">There is no source, a weight is not positive, or lengths differ.</exception>
    public MixtureSampler(IReadOnlyList<MixtureSource> sources, long seed)
    {
        ArgumentNullException.ThrowIfNull(sources);
        if (sources.Count == 0 || sources.Any(s => !(s.Weight > 0) || double.IsInfinity(s.Weight))
            || sources.Any(s => s.Sampler.Length != sources[0].Sampler.Length))
        {
            throw new ArgumentException("sources must be given, with positive weights and one window length", nameof(sources));
        }
        _sources = [.. sources];
        _key = CounterRandom.Key(seed, "mixture order");
        double[] weights = [.. sources.Select(s => s.Weight)];
        Cycle = CycleFor(weights);
        _order = new KeyedPermutation(Cycle, _key);
        _quotas = QuotasOf(weights, Cycle);
        _firstPlace = new int[sources.Count + 1];
        _firstPack = new int[sources.Count + 1];
        for (int s = 0; s < sources.Count; s++)
        {
            _firstPlace[s + 1] = _firstPlace[s] + _quotas[s];
            _firstPack[s + 1] = checked(_firstPack[s] + ((sources[s].Sampler as WindowSampler)?.PackCount ?? 0));
        }
    }

    /// <summary>The sources, in their order.</summary>
    public IReadOnlyList<MixtureSource> Sources => _sources;

    /// <summary>Samples in a cycle.</summary>
    public int Cycle { get; }

    /// <summary>Samples of each source in a cycle.</summary>
    public IReadOnlyList<int> Quotas => _quotas;

    /// <inheritdoc/>
    public int Length => _sources[0].Sampler.Length;

    /// <inheritdoc/>
    public bool Packs => Array.Exists(_sources, s => s.Sampler.Packs);

    /// <summary>Which source a sample comes from, and its number there.</summary>
    public (int Source, long Index) Locate(long sampleIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sampleIndex);
        (long cycle, long place) = Math.DivRem(sampleIndex, Cycle);
        int at = (int)_order.WithKey(_key ^ CounterRandom.Mix((ulong)cycle))[place];
        int s = Array.BinarySearch(_firstPlace, at);
        s = s >= 0 ? s : ~s - 1;
        return (s, cycle * _quotas[s] + at - _firstPlace[s]);
    }

    /// <inheritdoc/>
    public SampleWindow At(long sampleIndex)
    {
        (int s, long index) = Locate(sampleIndex);
        SampleWindow window = _sources[s].Sampler.At(index);
        return window.Pack < 0 ? window : window with { Pack = window.Pack + _firstPack[s] };
    }

    /// <summary>Windows of all sources in that epoch of theirs; a mixture has no epochs of its own.</summary>
    public long WindowsPerEpoch(int epoch)
    {
        long count = 0;
        foreach (MixtureSource source in _sources)
        {
            count += source.Sampler.WindowsPerEpoch(epoch);
        }
        return count;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<GenomeInterval> PackSegments(int pack)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pack);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(pack, _firstPack[^1]);
        int s = 0;
        while (_firstPack[s + 1] <= pack)
        {
            s++;
        }
        return _sources[s].Sampler.PackSegments(pack - _firstPack[s]);
    }

    // Twice as long until the smallest weight is worth half a sample, so that rounding leaves no source out.
    private static int CycleFor(double[] weights)
    {
        double smallest = weights.Min() / weights.Sum();
        int cycle = ShortestCycle;
        while (cycle < LongestCycle && smallest * cycle < 0.5)
        {
            cycle *= 2;
        }
        return cycle;
    }

    /// <summary>
    /// Whole numbers in proportion to weights that add up to <paramref name="total"/>: each share rounded down, at least
    /// 1, and what is left to the largest remainders (Hamilton's method), equal ones in their order.
    /// </summary>
    internal static int[] QuotasOf(double[] weights, int total)
    {
        double sum = weights.Sum();
        int[] quotas = new int[weights.Length];
        double[] remainders = new double[weights.Length];
        int left = total;
        for (int i = 0; i < weights.Length; i++)
        {
            double exact = weights[i] / sum * total;
            quotas[i] = Math.Max(1, (int)exact);
            remainders[i] = exact - quotas[i];
            left -= quotas[i];
        }
        // The least quota of 1 may have given out too many: they are taken back where they are most above their share.
        for (; left != 0; left -= Math.Sign(left))
        {
            int best = -1;
            for (int i = 0; i < weights.Length; i++)
            {
                if ((left > 0 || quotas[i] > 1)
                    && (best < 0 || (left > 0 ? remainders[i] > remainders[best] : remainders[i] < remainders[best])))
                {
                    best = i;
                }
            }
            quotas[best] += Math.Sign(left);
            remainders[best] -= Math.Sign(left);
        }
        return quotas;
    }
}
