namespace GenoSeq.Data;

/// <summary>
/// The windows of several sequential samplers, each in its own order, spread so that any first part of the sequence holds
/// nearly the same share of every sampler: an evaluation of limited length sees all sources.
/// </summary>
/// <remarks>
/// The V windows are dealt in J rounds; at the start of round j, floor(n j / J) windows of a sampler with n have been
/// dealt, so a window's round and place are found by arithmetic, and after the last round every window has come once.
/// </remarks>
public sealed class InterleavedSampler : IWindowSampler
{
    private const int WindowsPerRound = 64;

    private readonly IWindowSampler[] _samplers;
    private readonly long[] _counts;
    private readonly long _total;
    private readonly long _rounds;

    /// <summary>Prepares dealing.</summary>
    /// <param name="samplers">At least one; their windows are the same in every epoch; one window length; no packs.</param>
    public InterleavedSampler(IReadOnlyList<IWindowSampler> samplers)
    {
        ArgumentNullException.ThrowIfNull(samplers);
        ArgumentOutOfRangeException.ThrowIfZero(samplers.Count, nameof(samplers));
        if (samplers.Any(s => s.Packs || s.Length != samplers[0].Length))
        {
            throw new ArgumentException("samplers must have one window length and no packs", nameof(samplers));
        }
        _samplers = [.. samplers];
        _counts = [.. samplers.Select(s => s.WindowsPerEpoch(0))];
        _total = _counts.Sum();
        _rounds = Math.Max(1, _total / Math.Max(WindowsPerRound, 4L * samplers.Count));
    }

    /// <inheritdoc/>
    public int Length => _samplers[0].Length;

    /// <inheritdoc/>
    public bool Packs => false;

    /// <inheritdoc/>
    public long WindowsPerEpoch(int epoch) => _total;

    /// <summary>Which sampler a window comes from, and its number there.</summary>
    public (int Sampler, long Index) Locate(long sampleIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sampleIndex);
        (long epoch, long place) = Math.DivRem(sampleIndex, _total);
        long round = (long)((UInt128)(ulong)place * (ulong)_rounds / (ulong)_total);
        while (DealtBefore(round) > place)
        {
            round--;
        }
        while (DealtBefore(round + 1) <= place)
        {
            round++;
        }
        long left = place - DealtBefore(round);
        int s = 0;
        while (true)
        {
            long from = DealtBefore(s, round);
            long here = DealtBefore(s, round + 1) - from;
            if (left < here)
            {
                return (s, epoch * _counts[s] + from + left);
            }
            left -= here;
            s++;
        }
    }

    /// <inheritdoc/>
    public SampleWindow At(long sampleIndex)
    {
        (int s, long index) = Locate(sampleIndex);
        return _samplers[s].At(index);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<GenomeInterval> PackSegments(int pack) =>
        throw new ArgumentOutOfRangeException(nameof(pack), pack, "this sampler makes no packs");

    private long DealtBefore(long round)
    {
        long dealt = 0;
        for (int s = 0; s < _samplers.Length; s++)
        {
            dealt += DealtBefore(s, round);
        }
        return dealt;
    }

    private long DealtBefore(int sampler, long round) =>
        (long)((UInt128)(ulong)_counts[sampler] * (ulong)round / (ulong)_rounds);
}
