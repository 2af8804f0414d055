namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>A metric's value, or why it has none.</summary>
/// <param name="Value">The value; NaN where the metric is undefined.</param>
/// <param name="Reason">Why it is undefined; null where it is defined.</param>
public readonly record struct MetricValue(double Value, string? Reason)
{
    /// <summary>True when there is a value.</summary>
    public bool IsDefined => Reason is null;

    /// <summary>A value. What is not finite counts as undefined.</summary>
    public static MetricValue Of(double value) =>
        double.IsFinite(value) ? new MetricValue(value, null) : Undefined("the result is not a finite number");

    /// <summary>No value.</summary>
    /// <param name="reason">Why, in words for a person.</param>
    public static MetricValue Undefined(string reason) => new(double.NaN, reason);
}
