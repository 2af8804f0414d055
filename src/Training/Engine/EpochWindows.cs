using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Engine;

/// <summary>The parts of a split.</summary>
public enum SplitPart
{
    /// <summary>Training windows, in training order.</summary>
    Train,

    /// <summary>Validation windows.</summary>
    Validation,

    /// <summary>Test windows.</summary>
    Test,
}

/// <summary>A stretch of the genome as a model sees it.</summary>
/// <param name="Sample">Global sample index.</param>
/// <param name="Segment">Which interval of a pack, from 0; -1 for a window of one interval.</param>
/// <param name="Interval">Its bases.</param>
/// <param name="Flipped">Whether it is read from the other strand.</param>
/// <param name="Fill">Share of the window's row that it fills.</param>
public readonly record struct SeenInterval(long Sample, int Segment, GenomeInterval Interval, bool Flipped, double Fill);

/// <summary>What a model sees in one epoch: the same windows in the same order that a run trains on.</summary>
public sealed class EpochWindows
{
    private readonly IWindowSampler _sampler;
    private readonly double _flips;
    private readonly ulong _strandKey;

    /// <summary>Finds the epoch.</summary>
    /// <param name="data">Opened data.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="part">Which windows.</param>
    /// <param name="epoch">Which epoch, from 0; held-out windows are the same in every one.</param>
    /// <exception cref="InputDataException">The split has no such part.</exception>
    public EpochWindows(TrainingData data, RunConfig config, SplitPart part, int epoch)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        _sampler = (part switch { SplitPart.Train => data.TrainSampler, SplitPart.Validation => data.ValidationSampler, _ => data.TestSampler })
            ?? throw new InputDataException($"the split has no {part.ToString().ToLowerInvariant()} part", "data", "a split with such a part",
                part == SplitPart.Validation ? "data.validation_fraction=0.05" : "data.test_fraction=0.05 with data.validation_fraction=0.05");
        for (int e = 0; e < epoch; e++)
        {
            First += _sampler.WindowsPerEpoch(e);
        }

        Count = _sampler.WindowsPerEpoch(epoch);
        _flips = part == SplitPart.Train && config.Objective.RcAugment ? 0.5 : 0;
        _strandKey = CounterRandom.Key(config.Seed, "strand");
    }

    /// <summary>Global index of the epoch's first sample.</summary>
    public long First { get; }

    /// <summary>Samples in the epoch.</summary>
    public long Count { get; }

    /// <summary>The first stretches of the epoch in the order in which they are seen, all if there are no more samples.</summary>
    /// <param name="samples">At most this many samples.</param>
    public IEnumerable<SeenInterval> InOrder(long samples = long.MaxValue)
    {
        for (long i = First; i < First + Math.Min(samples, Count); i++)
        {
            SampleWindow window = _sampler.At(i);
            bool flipped = new CounterRandom(_strandKey, i).NextDouble() < _flips;
            if (window.Pack < 0)
            {
                yield return new SeenInterval(i, -1, window.Interval, flipped, (double)window.Length / _sampler.Length);
                continue;
            }

            GenomeInterval[] segments = _sampler.PackSegments(window.Pack).ToArray();
            for (int s = 0; s < segments.Length; s++)
            {
                yield return new SeenInterval(i, s, segments[s], flipped, (double)segments[s].Length / _sampler.Length);
            }
        }
    }

    /// <summary>Distinct bases that the first samples of the epoch hold; memory is bounded by how scattered they are.</summary>
    /// <param name="samples">At most this many samples.</param>
    public long CoveredBases(long samples = long.MaxValue)
    {
        const int AtOnce = 1 << 22;
        var set = new IntervalSet([]);
        var next = new List<GenomeInterval>();
        foreach (SeenInterval seen in InOrder(samples))
        {
            next.Add(seen.Interval);
            if (next.Count >= AtOnce)
            {
                set = new IntervalSet(set.Stretches.Concat(next));
                next.Clear();
            }
        }

        return new IntervalSet(set.Stretches.Concat(next)).Bases;
    }
}
