using GenoSeq.Models;

namespace GenoSeq.Inference.Scoring;

/// <summary>The score of a sequence.</summary>
/// <param name="Item">The sequence.</param>
/// <param name="Scored">Bases that have a value.</param>
/// <param name="LogLikelihood">Sum of their natural log-likelihoods.</param>
public sealed record SequenceScore(ScoreItem Item, long Scored, double LogLikelihood)
{
    /// <summary>Bits for a base: 2 is no idea. NaN where no base has a value.</summary>
    public double BitsPerBase => Scored == 0 ? double.NaN : -LogLikelihood / Scored / Math.Log(2);
}

/// <summary>Scores sequences one after the other, in the order of the input; short ones share batches.</summary>
public sealed class ScoreRun
{
    private const int BlockItems = 4096;
    private const long BlockBases = 1 << 20;

    private readonly LikelihoodScorer _scorer;
    private readonly LikelihoodOptions _options;

    /// <summary>Prepares a run.</summary>
    /// <param name="model">In evaluation mode, on its device; it stays the caller's.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is invalid.</exception>
    public ScoreRun(SequenceModel model, LikelihoodOptions? options = null)
    {
        _options = options ?? new LikelihoodOptions();
        _scorer = new LikelihoodScorer(model, _options);
    }

    /// <summary>Scores of sequences.</summary>
    /// <param name="items">The sequences; of any number and length.</param>
    /// <param name="perBase">Receives a sequence, the index of a base in it, and values from there on, in order; null: nobody does.</param>
    /// <param name="progress">Told how many bases were done since the last call.</param>
    /// <param name="stop">Ends the work.</param>
    public IEnumerable<SequenceScore> Run(IEnumerable<ScoreItem> items, PerBaseValues? perBase = null, Action<long>? progress = null,
        CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        var block = new List<ScoreItem>();
        long bases = 0;
        foreach (ScoreItem item in items)
        {
            bool isLong = item.Length > _options.Window;
            if (block.Count > 0 && (isLong || block.Count == BlockItems || bases + item.Length > BlockBases))
            {
                foreach (SequenceScore score in Together(block, perBase, stop))
                {
                    yield return score;
                }

                progress?.Invoke(bases);
                block.Clear();
                bases = 0;
            }

            if (isLong)
            {
                yield return Alone(item, perBase, progress, stop);
                continue;
            }

            block.Add(item);
            bases += item.Length;
        }

        foreach (SequenceScore score in Together(block, perBase, stop))
        {
            yield return score;
        }

        progress?.Invoke(bases);
    }

    private IEnumerable<SequenceScore> Together(List<ScoreItem> block, PerBaseValues? perBase, CancellationToken stop)
    {
        float[][] values = _scorer.Score([.. block.Select(i => i.ReadAll())], stop);
        for (int i = 0; i < values.Length; i++)
        {
            var sum = new Sum();
            sum.Add(values[i]);
            perBase?.Invoke(block[i], 0, values[i]);
            yield return new SequenceScore(block[i], sum.Count, sum.Total);
        }
    }

    private SequenceScore Alone(ScoreItem item, PerBaseValues? perBase, Action<long>? progress, CancellationToken stop)
    {
        var sum = new Sum();
        _scorer.Stream(item, (start, values) =>
        {
            sum.Add(values);
            perBase?.Invoke(item, start, values);
            progress?.Invoke(values.Length);
        }, stop);
        return new SequenceScore(item, sum.Count, sum.Total);
    }

    private sealed class Sum
    {
        internal long Count { get; private set; }

        internal double Total { get; private set; }

        internal void Add(ReadOnlySpan<float> values)
        {
            foreach (float v in values)
            {
                if (!float.IsNaN(v))
                {
                    Count++;
                    Total += v;
                }
            }
        }
    }
}

/// <summary>Receives values of neighbouring bases of a sequence.</summary>
/// <param name="item">The sequence.</param>
/// <param name="start">Index of the first of them in it.</param>
/// <param name="values">Natural log-likelihoods; NaN where a base has none.</param>
public delegate void PerBaseValues(ScoreItem item, long start, ReadOnlySpan<float> values);
