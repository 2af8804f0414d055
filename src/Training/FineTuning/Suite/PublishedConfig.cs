using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>What others have published on the tasks of a suite.</summary>
public sealed record PublishedConfig : IValidated
{
    /// <summary>The system and whose run it is: a column of the table.</summary>
    public string System { get; init; } = "";

    /// <summary>The publication, and the table in it.</summary>
    public string Source { get; init; } = "";

    /// <summary>What of the protocol is known, and how it differs from ours.</summary>
    public string Protocol { get; init; } = "";

    /// <summary>The metric of the values; null: that of each task.</summary>
    public string? Metric { get; init; }

    /// <summary>Values by task, as fractions.</summary>
    public IReadOnlyDictionary<string, double> Values { get; init; } = new Dictionary<string, double>();

    /// <summary>What the publication gives as plus or minus, by task.</summary>
    public IReadOnlyDictionary<string, double> Spreads { get; init; } = new Dictionary<string, double>();

    /// <summary>What the spread is: max - min, a standard deviation.</summary>
    public string SpreadKind { get; init; } = "";

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(System)) yield return "system: is empty";
        if (string.IsNullOrWhiteSpace(Source)) yield return "source: a published value needs one";
        if (Metric is not null && !SuiteMetrics.Names.Contains(Metric)) yield return $"metric: must be one of {string.Join(", ", SuiteMetrics.Names)}, not '{Metric}'";
        if (Values.Count == 0) yield return "values: there are none";
        foreach (string task in Spreads.Keys.Where(t => !Values.ContainsKey(t))) yield return $"spreads: '{task}' has no value";
        if (Spreads.Values.Any(s => !(s >= 0))) yield return "spreads: must not be negative";
        if (Spreads.Count > 0 && SpreadKind.Length == 0) yield return "spread_kind: say what the spreads are";
    }
}
