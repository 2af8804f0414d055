using GenoSeq.Training.Evaluation.Metrics;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>How a cell stands among the models of its task.</summary>
public enum Standing
{
    /// <summary>Below the best, by more than the intervals explain.</summary>
    Below,

    /// <summary>Not the best, but within the confidence interval.</summary>
    Tie,

    /// <summary>The largest mean.</summary>
    Best,
}

/// <summary>One model on one task: a metric over seeds.</summary>
/// <param name="Runs">Seeds with a value.</param>
/// <param name="Mean">Mean over them.</param>
/// <param name="Deviation">Standard deviation over them, with n - 1; null below two.</param>
/// <param name="HalfWidth">Half of the 95 % confidence interval of the mean; null where neither seeds nor rows tell it.</param>
public sealed record SuiteCell(int Runs, double Mean, double? Deviation, double? HalfWidth)
{
    /// <summary>Compared with the other models of the task.</summary>
    public Standing Standing { get; init; }

    /// <summary>Lower end of the interval, or null.</summary>
    public double? Low => Mean - HalfWidth;

    /// <summary>Upper end of the interval, or null.</summary>
    public double? High => Mean + HalfWidth;

    /// <summary>A metric over the seeds of a model; null if no run has a value.</summary>
    /// <remarks>
    /// Two things vary, and add up in the square: which rows the split happens to have (the mean half width of the runs'
    /// intervals), and the seed (Student's t times the deviation over the root of the number of seeds).
    /// </remarks>
    public static SuiteCell? Of(IEnumerable<SuiteMetric> runs)
    {
        SuiteMetric[] known = [.. runs.Where(m => m.Value is { } v && double.IsFinite(v))];
        if (known.Length == 0)
        {
            return null;
        }

        double mean = known.Average(m => m.Value!.Value);
        double? deviation = known.Length < 2
            ? null
            : Math.Sqrt(known.Sum(m => (m.Value!.Value - mean) * (m.Value!.Value - mean)) / (known.Length - 1));
        double? seeds = deviation is { } d ? d * StudentT.Quantile975(known.Length - 1) / Math.Sqrt(known.Length) : null;
        double[] widths = [.. known.Where(m => m.Low is not null && m.High is not null).Select(m => (m.High!.Value - m.Low!.Value) / 2)];
        double? rows = widths.Length == known.Length ? widths.Average() : null;
        double? half = (seeds, rows) switch
        {
            ({ } s, { } r) => Math.Sqrt((s * s) + (r * r)),
            _ => seeds ?? rows,
        };
        return new SuiteCell(known.Length, mean, deviation, half);
    }

    /// <summary>
    /// Greater, less, or (0) a tie: then the mean of one lies in the interval of the other. Without intervals only equal means tie.
    /// </summary>
    public int CompareWith(SuiteCell other)
    {
        ArgumentNullException.ThrowIfNull(other);
        double difference = Mean - other.Mean;
        return Math.Abs(difference) <= Math.Max(HalfWidth ?? 0, other.HalfWidth ?? 0) ? 0 : Math.Sign(difference);
    }
}
