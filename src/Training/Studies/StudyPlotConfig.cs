using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Studies;

/// <summary>A plot of a study: one line for each model, means over seeds with 95 % intervals.</summary>
public sealed record StudyPlotConfig : IValidated
{
    /// <summary>Words for x that are no condition: places on learning curves, and sizes.</summary>
    public static readonly IReadOnlyList<string> CurveAxes = ["tokens", "flops", "seconds"];

    /// <summary>Words for x that a record has beside its conditions.</summary>
    public static readonly IReadOnlyList<string> RecordAxes = ["parameters", "training_flops", "state_bytes"];

    /// <summary>Above the plot.</summary>
    public string Title { get; init; } = "";

    /// <summary>What is plotted; on learning curves the study's first metric.</summary>
    public string Metric { get; init; } = "";

    /// <summary>
    /// A condition or a place of measurement (<c>length</c>); <c>tokens</c>, <c>flops</c> or <c>seconds</c> of learning curves;
    /// <c>parameters</c>, <c>training_flops</c> or <c>state_bytes</c>; <c>model</c>: bars instead of lines.
    /// </summary>
    public string X { get; init; } = "";

    /// <summary>Only values there; what is not named is averaged over.</summary>
    public IReadOnlyDictionary<string, string> At { get; init; } = new Dictionary<string, string>();

    /// <summary>Only these models; all when empty.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>The x axis is logarithmic.</summary>
    public bool LogX { get; init; }

    /// <summary>The y axis is logarithmic.</summary>
    public bool LogY { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Title)) yield return "title: is empty";
        if (string.IsNullOrWhiteSpace(X)) yield return "x: is empty";
        if (string.IsNullOrWhiteSpace(Metric)) yield return "metric: is empty";
    }
}

/// <summary>A metric of a study, for headings and axes.</summary>
public sealed record StudyMetricConfig : IValidated
{
    /// <summary>Its name in measurements.</summary>
    public string Name { get; init; } = "";

    /// <summary>Its words in headings.</summary>
    public string Title { get; init; } = "";

    /// <summary>Its unit; empty: none.</summary>
    public string Unit { get; init; } = "";

    /// <summary>Larger is better; null: neither way.</summary>
    public bool? Higher { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
    }
}
