namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>A metric with its predictions, prepared (sorted, binned) once and evaluated on any multiset of the examples.</summary>
/// <remarks>
/// The whole split is every example once; a bootstrap sample is every example some number of times. Both go through the same code.
/// Implementations are thread-safe.
/// </remarks>
public interface IMetric
{
    /// <summary>Its key in results, such as <c>f1_macro</c>.</summary>
    public string Name { get; }

    /// <summary>Number of examples.</summary>
    public int Examples { get; }

    /// <summary>The metric where example <c>i</c> occurs <c>counts[i]</c> times.</summary>
    /// <param name="counts">One number, zero or more, for each example.</param>
    /// <returns>Undefined, never an exception, where the sample does not allow the metric.</returns>
    public MetricValue Evaluate(ReadOnlySpan<int> counts);
}

/// <summary>Evaluation of metrics on all of their examples.</summary>
public static class MetricExtensions
{
    /// <summary>The metric over the whole split.</summary>
    public static MetricValue Evaluate(this IMetric metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        int[] once = new int[metric.Examples];
        Array.Fill(once, 1);
        return metric.Evaluate(once);
    }
}
