using System.Text.Json;
using System.Text.Json.Serialization;

namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>One metric of a split.</summary>
public sealed record MetricResult
{
    /// <summary>The value over the whole split; null where it is undefined.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? Value { get; init; }

    /// <summary>Why it is undefined; null where it is defined.</summary>
    public string? Undefined { get; init; }

    /// <summary>Its bootstrap confidence interval, where one was asked for and could be made.</summary>
    public ConfidenceInterval? Interval { get; init; }

    /// <summary>The mean over batches, as upstream's tables have it; null where it was not asked for.</summary>
    public double? BatchAveraged { get; init; }
}

/// <summary>What <see cref="MetricSet.Of"/> computes beside the values.</summary>
public sealed record MetricSetOptions
{
    /// <summary>Confidence intervals; null: none.</summary>
    public BootstrapOptions? Bootstrap { get; init; }

    /// <summary>Upstream's batch averages of a classification; null: none.</summary>
    public BatchAverageOptions? BatchAverage { get; init; }

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate() => [.. Bootstrap?.Validate() ?? [], .. BatchAverage?.Validate() ?? []];
}

/// <summary>All metrics of a split's predictions.</summary>
public sealed record MetricSet
{
    /// <summary>binary, multi_class, multi_label or regression.</summary>
    public required string Task { get; init; }

    /// <summary>Number of examples.</summary>
    public int Examples { get; init; }

    /// <summary>Results by metric.</summary>
    public required IReadOnlyDictionary<string, MetricResult> Metrics { get; init; }

    /// <summary>Results of each label or target by its name; null where there is but one.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, MetricResult>>? Parts { get; init; }

    /// <summary>Judges predictions.</summary>
    /// <param name="predictions">Predictions of a whole split.</param>
    /// <param name="options">What to compute beside the values; null: nothing.</param>
    /// <exception cref="ArgumentException">Predictions or options are invalid. Undefined metrics are results, not errors.</exception>
    public static MetricSet Of(Predictions predictions, MetricSetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        options ??= new MetricSetOptions();
        predictions.ThrowIfInvalid();
        if (options.Validate() is [string problem, ..])
        {
            throw new ArgumentException(problem, nameof(options));
        }

        IReadOnlyList<IMetric> metrics = predictions.Metrics();
        IReadOnlyList<ConfidenceInterval?>? intervals = options.Bootstrap is null || predictions.Examples == 0
            ? null
            : Bootstrap.Intervals(metrics, options.Bootstrap, predictions.Strata);
        IReadOnlyDictionary<string, double>? batches = options.BatchAverage is not null && predictions is ClassPredictions c
            ? BatchAverage.Of(c, options.BatchAverage)
            : null;
        var parts = predictions.Parts();
        return new MetricSet
        {
            Task = predictions.Task,
            Examples = predictions.Examples,
            Metrics = Results(metrics, intervals, batches),
            Parts = parts.Count == 0 ? null : parts.ToDictionary(p => p.Name, p => (IReadOnlyDictionary<string, MetricResult>)Results(p.Metrics, null, null)),
        };
    }

    /// <summary>The value of a metric; null where it is undefined.</summary>
    /// <exception cref="KeyNotFoundException">The task has no such metric.</exception>
    public double? Value(string metric) => Metrics.TryGetValue(metric, out MetricResult? result)
        ? result.Value
        : throw new KeyNotFoundException($"a {Task} task has no metric '{metric}'; expected one of {string.Join(", ", Metrics.Keys)}");

    /// <summary>The set as indented JSON with keys in snake_case; undefined values are null, with the reason beside them.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, MetricJson.Default.MetricSet) + "\n";

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">The text is not a metric set.</exception>
    public static MetricSet FromJson(string json) =>
        JsonSerializer.Deserialize(json, MetricJson.Default.MetricSet) ?? throw new JsonException("expected a metric set, found null");

    private static Dictionary<string, MetricResult> Results(
        IReadOnlyList<IMetric> metrics, IReadOnlyList<ConfidenceInterval?>? intervals, IReadOnlyDictionary<string, double>? batches)
    {
        var results = new Dictionary<string, MetricResult>();
        for (int i = 0; i < metrics.Count; i++)
        {
            MetricValue value = metrics[i].Evaluate();
            results[metrics[i].Name] = new MetricResult
            {
                Value = value.IsDefined ? value.Value : null,
                Undefined = value.Reason,
                Interval = value.IsDefined ? intervals?[i] : null,
                BatchAveraged = batches is not null && batches.TryGetValue(metrics[i].Name, out double b) ? b : null,
            };
        }

        return results;
    }
}

/// <summary>Source-generated metadata of <see cref="MetricSet"/> and what summarises it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MetricSet))]
[JsonSerializable(typeof(PairedDifference))]
[JsonSerializable(typeof(SeedSummary))]
public sealed partial class MetricJson : JsonSerializerContext;
