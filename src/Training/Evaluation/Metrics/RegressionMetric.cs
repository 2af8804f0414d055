using System.Buffers;

namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>Which correlation or score of a regression.</summary>
internal enum RegressionKind
{
    /// <summary>Pearson's r.</summary>
    Pearson,

    /// <summary>Pearson's r of the mid-ranks.</summary>
    Spearman,

    /// <summary>1 − residual over total sum of squares.</summary>
    R2,
}

/// <summary>Pearson's and Spearman's correlation, and R², of predictions of one target.</summary>
internal sealed class RegressionMetric : IMetric
{
    private readonly RegressionKind _kind;
    private readonly double[] _targets;
    private readonly double[] _predictions;
    private readonly int[] _targetOrder = [];
    private readonly int[] _predictionOrder = [];

    internal RegressionMetric(string name, RegressionKind kind, double[] targets, double[] predictions)
    {
        Name = name;
        _kind = kind;
        _targets = targets;
        _predictions = predictions;
        if (kind == RegressionKind.Spearman)
        {
            _targetOrder = SortedScores.SortedOrder(targets);
            _predictionOrder = SortedScores.SortedOrder(predictions);
        }
    }

    public string Name { get; }

    public int Examples => _targets.Length;

    public MetricValue Evaluate(ReadOnlySpan<int> counts)
    {
        if (_kind != RegressionKind.Spearman)
        {
            return Moments.Of(counts, _targets, _predictions).Value(_kind);
        }

        double[] ranks = ArrayPool<double>.Shared.Rent(2 * counts.Length);
        try
        {
            Span<double> x = ranks.AsSpan(0, counts.Length);
            Span<double> y = ranks.AsSpan(counts.Length, counts.Length);
            Rank(counts, _targets, _targetOrder, x);
            Rank(counts, _predictions, _predictionOrder, y);
            return Moments.Of(counts, x, y).Value(_kind);
        }
        finally
        {
            ArrayPool<double>.Shared.Return(ranks);
        }
    }

    // The rank of tied examples is the mean of the ranks that they fill.
    private static void Rank(ReadOnlySpan<int> counts, double[] values, int[] order, Span<double> ranks)
    {
        long below = 0;
        for (int first = 0, next; first < order.Length; first = next)
        {
            long tied = 0;
            for (next = first; next < order.Length && values[order[next]] == values[order[first]]; next++)
            {
                tied += counts[order[next]];
            }

            foreach (int i in order.AsSpan(first, next - first))
            {
                ranks[i] = below + ((tied + 1) / 2.0);
            }

            below += tied;
        }
    }

    /// <summary>Centred second moments of two variables, x the truth.</summary>
    private readonly record struct Moments(long Total, bool ConstantX, bool ConstantY, double Xx, double Yy, double Xy, double Residual)
    {
        internal static Moments Of(ReadOnlySpan<int> counts, ReadOnlySpan<double> x, ReadOnlySpan<double> y)
        {
            long total = 0;
            double meanX = 0;
            double meanY = 0;
            // Constancy is asked of the values: rounding of the mean leaves a tiny spread where there is none.
            (double lowX, double highX) = (double.PositiveInfinity, double.NegativeInfinity);
            (double lowY, double highY) = (lowX, highX);
            for (int i = 0; i < counts.Length; i++)
            {
                if (counts[i] > 0)
                {
                    total += counts[i];
                    meanX += counts[i] * x[i];
                    meanY += counts[i] * y[i];
                    (lowX, highX) = (Math.Min(lowX, x[i]), Math.Max(highX, x[i]));
                    (lowY, highY) = (Math.Min(lowY, y[i]), Math.Max(highY, y[i]));
                }
            }

            meanX /= total;
            meanY /= total;
            (double xx, double yy, double xy, double residual) = (0, 0, 0, 0);
            for (int i = 0; i < counts.Length; i++)
            {
                (double dx, double dy) = (x[i] - meanX, y[i] - meanY);
                xx += counts[i] * dx * dx;
                yy += counts[i] * dy * dy;
                xy += counts[i] * dx * dy;
                residual += counts[i] * (x[i] - y[i]) * (x[i] - y[i]);
            }

            return new Moments(total, lowX == highX, lowY == highY, xx, yy, xy, residual);
        }

        internal MetricValue Value(RegressionKind kind)
        {
            if (Total == 0)
            {
                return ConfusionMatrix.NoExamples;
            }

            if (ConstantX)
            {
                return MetricValue.Undefined("all targets are the same");
            }

            if (kind == RegressionKind.R2)
            {
                return MetricValue.Of(1 - (Residual / Xx));
            }

            return ConstantY
                ? MetricValue.Undefined("all predictions are the same")
                : MetricValue.Of(Math.Clamp(Xy / (Math.Sqrt(Xx) * Math.Sqrt(Yy)), -1, 1));
        }
    }
}
