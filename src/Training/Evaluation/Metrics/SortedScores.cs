namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>Scores of a positive class in ascending order, ties marked: what every ranking metric starts from.</summary>
internal sealed class SortedScores
{
    private readonly int[] _order;
    private readonly bool[] _positive;
    private readonly bool[] _endsTie;

    /// <param name="scores">A score for each example; larger is more positive.</param>
    /// <param name="positive">Which examples are positive.</param>
    internal SortedScores(double[] scores, bool[] positive)
    {
        int n = scores.Length;
        _order = SortedOrder(scores);
        _positive = new bool[n];
        _endsTie = new bool[n];
        for (int i = 0; i < n; i++)
        {
            _positive[i] = positive[_order[i]];
            _endsTie[i] = i == n - 1 || scores[_order[i]] != scores[_order[i + 1]];
        }
    }

    internal int Examples => _order.Length;

    /// <summary>Indices in ascending order of the values.</summary>
    internal static int[] SortedOrder(double[] values)
    {
        double[] keys = [.. values];
        int[] order = [.. Enumerable.Range(0, values.Length)];
        Array.Sort(keys, order);
        return order;
    }

    /// <summary>
    /// Area under the ROC curve as the Mann-Whitney statistic: the share of (positive, negative) pairs in the right order, ties
    /// a half. Whole numbers until the last division.
    /// </summary>
    internal MetricValue Auroc(ReadOnlySpan<int> counts)
    {
        long doubled = 0;
        long negatives = 0;
        long positives = 0;
        long tiedPositives = 0;
        long tiedNegatives = 0;
        for (int i = 0; i < _order.Length; i++)
        {
            int count = counts[_order[i]];
            if (_positive[i])
            {
                tiedPositives += count;
            }
            else
            {
                tiedNegatives += count;
            }

            if (_endsTie[i])
            {
                doubled += tiedPositives * ((2 * negatives) + tiedNegatives);
                negatives += tiedNegatives;
                positives += tiedPositives;
                tiedPositives = tiedNegatives = 0;
            }
        }

        return positives == 0 || negatives == 0
            ? OneClass(positives, negatives)
            : MetricValue.Of(doubled / (2.0 * positives * negatives));
    }

    /// <summary>
    /// Average precision: Σ (recall step) · (precision at it) over the distinct thresholds, from the highest. No interpolation.
    /// </summary>
    internal MetricValue AveragePrecision(ReadOnlySpan<int> counts)
    {
        double sum = 0;
        long positives = 0;
        long called = 0;
        long tiedPositives = 0;
        for (int i = _order.Length - 1; i >= 0; i--)
        {
            int count = counts[_order[i]];
            called += count;
            tiedPositives += _positive[i] ? count : 0;
            if (tiedPositives > 0 && (i == 0 || _endsTie[i - 1]))
            {
                positives += tiedPositives;
                sum += (double)tiedPositives * positives / called;
                tiedPositives = 0;
            }
        }

        return positives == 0 ? OneClass(0, called) : MetricValue.Of(sum / positives);
    }

    /// <summary>True and false positives at each distinct threshold, from the highest, beginning at (0, 0).</summary>
    internal List<(long TruePositives, long FalsePositives)> Thresholds()
    {
        var points = new List<(long, long)> { (0, 0) };
        long positives = 0;
        long negatives = 0;
        for (int i = _order.Length - 1; i >= 0; i--)
        {
            positives += _positive[i] ? 1 : 0;
            negatives += _positive[i] ? 0 : 1;
            if (i == 0 || _endsTie[i - 1])
            {
                points.Add((positives, negatives));
            }
        }

        return points;
    }

    private static MetricValue OneClass(long positives, long negatives) => (positives, negatives) switch
    {
        (0, 0) => ConfusionMatrix.NoExamples,
        (0, _) => MetricValue.Undefined("there are no positive examples"),
        _ => MetricValue.Undefined("there are no negative examples"),
    };
}
