namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>The mean of a number that each example has by itself: log loss, Brier score, squared error.</summary>
/// <param name="name">Its key.</param>
/// <param name="values">One for each example.</param>
internal sealed class MeanMetric(string name, double[] values) : IMetric
{
    public string Name => name;

    public int Examples => values.Length;

    public MetricValue Evaluate(ReadOnlySpan<int> counts)
    {
        double sum = 0;
        long total = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            sum += counts[i] * values[i];
            total += counts[i];
        }

        return total == 0 ? ConfusionMatrix.NoExamples : MetricValue.Of(sum / total);
    }
}
