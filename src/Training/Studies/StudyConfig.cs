using System.Text.Json.Serialization;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Studies;

/// <summary>What a study asks and how its answers are shown; which models and conditions it compares is in <see cref="Study"/>.</summary>
public sealed record StudyConfig : IValidated
{
    /// <summary>Name of the study; part of its folder's name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Headline of the report.</summary>
    public string Title { get; init; } = "";

    /// <summary>What is asked, in a sentence or two.</summary>
    public string Question { get; init; } = "";

    /// <summary>What the setting is after, and how it differs from what was published.</summary>
    public string Setting { get; init; } = "";

    /// <summary>Seeds that every cell is run with.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [1, 2, 3];

    /// <summary>
    /// Learning rates to try for every model; validation with the first seed decides, for each model and each value of the axes in
    /// <see cref="SweepOver"/>. One: no sweep.
    /// </summary>
    public IReadOnlyList<double> LearningRates { get; init; } = [];

    /// <summary>Names of axes whose values have a sweep each; of the others the first value decides for all.</summary>
    public IReadOnlyList<string> SweepOver { get; init; } = [];

    /// <summary>Share of the budget that trials of a sweep train for.</summary>
    public double SweepShare { get; init; } = 1;

    /// <summary>The metrics, the most important first: it is the one of learning curves and sweeps.</summary>
    public IReadOnlyList<StudyMetricConfig> Metrics { get; init; } = [];

    /// <summary>Plots of the report, in order.</summary>
    public IReadOnlyList<StudyPlotConfig> Plots { get; init; } = [];

    /// <summary>What is decided.</summary>
    public IReadOnlyList<StudyClaimConfig> Claims { get; init; } = [];

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
        if (Name.Any(c => !(char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))) yield return $"name: may have letters, digits, - and _, not '{Name}'";
        if (Seeds.Count == 0) yield return "seeds: name at least one";
        if (Seeds.Distinct().Count() < Seeds.Count) yield return "seeds: one appears twice";
        if (Seeds.Any(s => s < 0)) yield return "seeds: must not be negative";
        if (LearningRates.Any(r => !(r > 0 && double.IsFinite(r)))) yield return "learning_rates: must be positive";
        if (!(SweepShare is > 0 and <= 1)) yield return $"sweep_share: must be above 0 and at most 1, not {SweepShare}";
        if (Metrics.Count == 0) yield return "metrics: name at least one";
        if (Metrics.Select(m => m.Name).Distinct().Count() < Metrics.Count) yield return "metrics: a name appears twice";
        if (Claims.Select(c => c.Name).Distinct().Count() < Claims.Count) yield return "claims: a name appears twice";
        foreach (string metric in Plots.Select(p => p.Metric).Concat(Claims.Select(c => c.Metric)).Distinct().Where(m => Metrics.All(k => k.Name != m)))
        {
            yield return $"metrics: '{metric}' of a plot or a claim is none of {string.Join(", ", Metrics.Select(m => m.Name))}";
        }
    }
}

/// <summary>A model of a study.</summary>
/// <param name="Name">Its name in the report.</param>
/// <param name="Changes">Settings of its cells that differ from the study's base.</param>
public sealed record StudyModel(string Name, IReadOnlyList<StudyChange> Changes)
{
    /// <summary>
    /// What it is instead of a model that is trained: a count model (<c>markov-12</c>), the mixture of orders (<c>mixed-16</c>); null: it is trained.
    /// </summary>
    public string? Reference { get; init; }

    /// <summary>By an axis the values under which it is not run.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Except { get; init; } = new Dictionary<string, IReadOnlyList<string>>();
}

/// <summary>A condition of a study that is varied.</summary>
/// <param name="Name">Its name in reports, and in <see cref="StudyRecord.Conditions"/>.</param>
/// <param name="Values">Its values, in the order of the report.</param>
public sealed record StudyAxis(string Name, IReadOnlyList<StudyAxisValue> Values);

/// <summary>A value of an axis.</summary>
/// <param name="Value">As text; a number invariantly.</param>
/// <param name="Changes">Settings of its cells that differ from the study's base.</param>
public sealed record StudyAxisValue(string Value, IReadOnlyList<StudyChange> Changes);

/// <summary>A setting that differs from the base.</summary>
/// <param name="Path">Dotted keys.</param>
/// <param name="Json">The value, as JSON.</param>
/// <param name="Location">Where it is written.</param>
public sealed record StudyChange(string Path, string Json, ConfigLocation? Location);

/// <summary>A study: what it asks, its models, its conditions, and the settings that all cells begin with.</summary>
/// <param name="Config">What it asks.</param>
/// <param name="Models">The models, in the order of the report.</param>
/// <param name="Axes">The conditions that are varied; a cell has a value of each.</param>
/// <param name="Base">Settings of a cell, before models and axes change them.</param>
public sealed record Study(StudyConfig Config, IReadOnlyList<StudyModel> Models, IReadOnlyList<StudyAxis> Axes, ConfigTree Base);

/// <summary>Source-generated metadata of studies.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters = [typeof(SnakeCaseEnumConverter<ClaimEffect>), typeof(SnakeCaseEnumConverter<ClaimExpectation>)])]
[JsonSerializable(typeof(StudyConfig))]
public sealed partial class StudyJson : JsonSerializerContext;
