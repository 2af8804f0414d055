namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>AUROC or average precision of one class's scores.</summary>
/// <param name="name">Its key.</param>
/// <param name="scores">The sorted scores.</param>
/// <param name="precision">Average precision; false: AUROC.</param>
internal sealed class RankingMetric(string name, SortedScores scores, bool precision) : IMetric
{
    public string Name => name;

    public int Examples => scores.Examples;

    public MetricValue Evaluate(ReadOnlySpan<int> counts) =>
        precision ? scores.AveragePrecision(counts) : scores.Auroc(counts);
}

/// <summary>The unweighted mean of a metric over classes, labels or targets.</summary>
/// <param name="name">Its key.</param>
/// <param name="parts">One metric each, at least one.</param>
/// <param name="all">
/// True: undefined as soon as one part is (classes of one softmax). False: the mean of those that are defined (many labels, some
/// of which may not occur in a split).
/// </param>
internal sealed class MacroMetric(string name, IReadOnlyList<IMetric> parts, bool all) : IMetric
{
    public string Name => name;

    public int Examples => parts[0].Examples;

    public MetricValue Evaluate(ReadOnlySpan<int> counts)
    {
        double sum = 0;
        int defined = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            MetricValue value = parts[i].Evaluate(counts);
            if (value.IsDefined)
            {
                sum += value.Value;
                defined++;
            }
            else if (all)
            {
                return MetricValue.Undefined($"class {i}: {value.Reason}");
            }
        }

        return defined == 0 ? MetricValue.Undefined("undefined for every part") : MetricValue.Of(sum / defined);
    }
}
