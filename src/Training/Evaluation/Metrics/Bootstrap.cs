namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>The difference between two models on the same examples.</summary>
/// <param name="Metric">Which metric.</param>
/// <param name="Difference">Mean over the first model's runs minus mean over the second's, on the whole split.</param>
/// <param name="Interval">Its interval; null where most resamples have no value.</param>
public sealed record PairedDifference(string Metric, double Difference, ConfidenceInterval? Interval)
{
    /// <summary>True unless the interval excludes a difference of 0.</summary>
    public bool IsTie => Interval?.Contains(0) ?? true;
}

/// <summary>Percentile bootstrap over the examples of a split (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).</summary>
public static class Bootstrap
{
    /// <summary>Intervals of several metrics of the same predictions, from the same resamples.</summary>
    /// <param name="metrics">The metrics.</param>
    /// <param name="options">Number of resamples, level, seed.</param>
    /// <param name="strata">The class of each example, for a stratified bootstrap.</param>
    /// <returns>One for each metric; null where the metric is undefined in more than half of the resamples.</returns>
    /// <exception cref="ArgumentException">Options are invalid, or there are no metrics or examples.</exception>
    public static IReadOnlyList<ConfidenceInterval?> Intervals(
        IReadOnlyList<IMetric> metrics, BootstrapOptions options, IReadOnlyList<int>? strata = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        double[][] values = Resample(metrics, options, strata);
        return [.. values.Select(v => ConfidenceInterval.Of(v, options.Level))];
    }

    /// <summary>
    /// The paired difference of one metric between two models, each given by one run or several (seeds) on the same examples in
    /// the same order: in every resample both are judged on the same examples.
    /// </summary>
    /// <param name="first">The first model's runs.</param>
    /// <param name="second">The second model's runs.</param>
    /// <param name="options">Number of resamples, level, seed.</param>
    /// <param name="strata">The class of each example, for a stratified bootstrap.</param>
    /// <returns>Null where the metric of a run is undefined on the whole split.</returns>
    /// <remarks>The interval covers the choice of test examples, not the spread between seeds: report that beside it.</remarks>
    /// <exception cref="ArgumentException">Options are invalid, a list is empty, or the metrics or examples differ.</exception>
    public static PairedDifference? Difference(IReadOnlyList<IMetric> first, IReadOnlyList<IMetric> second,
        BootstrapOptions options, IReadOnlyList<int>? strata = null)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentNullException.ThrowIfNull(options);
        if (first.Count == 0 || second.Count == 0)
        {
            throw new ArgumentException("a model without runs cannot be compared");
        }

        IMetric[] all = [.. first, .. second];
        if (all.Any(m => m.Name != first[0].Name))
        {
            throw new ArgumentException($"expected one metric, found {string.Join(", ", all.Select(m => m.Name).Distinct())}");
        }

        MetricValue[] whole = [.. all.Select(m => m.Evaluate())];
        if (whole.Any(v => !v.IsDefined))
        {
            return null;
        }

        double[][] values = Resample(all, options, strata);
        double[] differences = [.. Enumerable.Range(0, options.Resamples).Select(r => Subtract(k => values[k][r]))];
        return new PairedDifference(first[0].Name, Subtract(k => whole[k].Value), ConfidenceInterval.Of(differences, options.Level));

        double Subtract(Func<int, double> value) => Enumerable.Range(0, first.Count).Average(value)
            - Enumerable.Range(first.Count, second.Count).Average(value);
    }

    /// <summary>Values [metrics][resamples]; NaN where undefined.</summary>
    private static double[][] Resample(IReadOnlyList<IMetric> metrics, BootstrapOptions options, IReadOnlyList<int>? strata)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        if (options.Validate() is [string problem, ..])
        {
            throw new ArgumentException(problem, nameof(options));
        }

        if (metrics.Count == 0 || metrics[0].Examples == 0 || metrics.Any(m => m.Examples != metrics[0].Examples))
        {
            throw new ArgumentException("expected one metric or more, all of the same examples, one or more", nameof(metrics));
        }

        if (options.Stratified && strata is null)
        {
            throw new ArgumentException("a stratified bootstrap needs classes", nameof(strata));
        }

        var resampler = new Resampler(metrics[0].Examples, options.Seed, options.Stratified ? strata : null);
        double[][] values = [.. metrics.Select(_ => new double[options.Resamples])];
        // Each resample has a random stream of its own, so the threads' order does not matter.
        Parallel.For(0, options.Resamples, () => new int[resampler.Examples], (sample, _, counts) =>
        {
            resampler.Draw(sample, counts);
            for (int k = 0; k < metrics.Count; k++)
            {
                values[k][sample] = metrics[k].Evaluate(counts).Value;
            }

            return counts;
        }, _ => { });
        return values;
    }
}
