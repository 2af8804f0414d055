namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>A metric over several seeds.</summary>
/// <param name="Runs">Number of seeds with a value.</param>
/// <param name="UndefinedRuns">Seeds for which the metric is undefined; left out of the rest.</param>
/// <param name="Mean">Mean; null without values.</param>
/// <param name="StandardDeviation">Standard deviation with n − 1; null below two values.</param>
/// <param name="Min">Smallest value.</param>
/// <param name="Max">Largest value. Caduceus's tables give max − min as ±.</param>
public sealed record SeedSummary(
    int Runs, int UndefinedRuns, double? Mean, double? StandardDeviation, double? Min, double? Max)
{
    /// <summary>Summarises the values of the seeds.</summary>
    /// <param name="values">One for each seed; null or NaN where undefined.</param>
    public static SeedSummary Of(IEnumerable<double?> values)
    {
        double?[] all = [.. values];
        double[] v = [.. all.Where(x => x is { } d && !double.IsNaN(d)).Select(x => x!.Value)];
        if (v.Length == 0)
        {
            return new SeedSummary(0, all.Length, null, null, null, null);
        }

        double mean = v.Average();
        double? deviation = v.Length < 2 ? null : Math.Sqrt(v.Sum(x => (x - mean) * (x - mean)) / (v.Length - 1));
        return new SeedSummary(v.Length, all.Length - v.Length, mean, deviation, v.Min(), v.Max());
    }
}
