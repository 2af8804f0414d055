namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>How confidence intervals are made.</summary>
public sealed record BootstrapOptions
{
    /// <summary>Number of resamples.</summary>
    public int Resamples { get; init; } = 1000;

    /// <summary>Probability that the interval is meant to cover.</summary>
    public double Level { get; init; } = 0.95;

    /// <summary>Seed of the resamples; the same seed gives the same interval on any machine with any number of threads.</summary>
    public long Seed { get; init; }

    /// <summary>Draw from each class by itself, so that every resample has the split's class counts.</summary>
    public bool Stratified { get; init; }

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Resamples < 2)
        {
            problems.Add(FormattableString.Invariant($"Resamples is {Resamples}; it must be 2 or more"));
        }

        if (!(Level > 0 && Level < 1))
        {
            problems.Add(FormattableString.Invariant($"Level is {Level}; it must be between 0 and 1"));
        }

        return problems;
    }
}

/// <summary>A percentile bootstrap interval.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
/// <param name="Level">Probability that it is meant to cover.</param>
/// <param name="Resamples">Resamples asked for.</param>
/// <param name="UndefinedResamples">Those of them in which the metric was undefined; they were left out.</param>
public sealed record ConfidenceInterval(double Low, double High, double Level, int Resamples, int UndefinedResamples)
{
    /// <summary>True when the value lies between the ends, ends included.</summary>
    public bool Contains(double value) => value >= Low && value <= High;

    /// <summary>The interval of resampled values; null where more than half of them are undefined (NaN).</summary>
    internal static ConfidenceInterval? Of(ReadOnlySpan<double> resampled, double level)
    {
        double[] defined = [.. resampled.ToArray().Where(v => !double.IsNaN(v)).Order()];
        return defined.Length * 2 < resampled.Length
            ? null
            : new ConfidenceInterval(Quantile(defined, (1 - level) / 2), Quantile(defined, (1 + level) / 2), level,
                resampled.Length, resampled.Length - defined.Length);
    }

    /// <summary>A quantile with linear interpolation between the order statistics (type 7 of Hyndman and Fan, 1996).</summary>
    internal static double Quantile(double[] sorted, double q)
    {
        double at = q * (sorted.Length - 1);
        int below = Math.Min((int)at, sorted.Length - 1);
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((at - below) * (sorted[above] - sorted[below]));
    }
}
