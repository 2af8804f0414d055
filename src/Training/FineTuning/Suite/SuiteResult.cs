namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A metric of one run on a whole split.</summary>
/// <param name="Value">Its value; null where it is undefined.</param>
/// <param name="Low">Lower end of the confidence interval over the split's rows; null without one.</param>
/// <param name="High">Upper end.</param>
/// <param name="BatchAveraged">The mean over batches, as published tables have it; null where it was not asked for.</param>
public sealed record SuiteMetric(double? Value, double? Low = null, double? High = null, double? BatchAveraged = null);

/// <summary>What one model reached on the test part of one task with one seed.</summary>
/// <param name="Task">Name of the task.</param>
/// <param name="Model">Name of the model.</param>
/// <param name="Seed">Seed of the run.</param>
/// <param name="Metrics">Metrics by name.</param>
public sealed record SuiteResult(string Task, string Model, long Seed, IReadOnlyDictionary<string, SuiteMetric> Metrics)
{
    /// <summary>What validation chose for the run, in words; empty where it had no choice.</summary>
    public string Chosen { get; init; } = "";
}
