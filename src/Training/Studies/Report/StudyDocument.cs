using System.Text.Json;
using System.Text.Json.Serialization;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Studies.Report;

/// <summary>A report for other programs: <c>report.json</c>. Numbers that are not finite are null.</summary>
internal sealed record StudyDocument
{
    internal const int CurrentVersion = 1;

    /// <summary>Version of the form.</summary>
    public required int FormatVersion { get; init; }

    /// <summary>Name of the study.</summary>
    public required string Study { get; init; }

    /// <summary>Headline.</summary>
    public required string Title { get; init; }

    /// <summary>What is asked.</summary>
    public required string Question { get; init; }

    /// <summary>What the setting is after.</summary>
    public required string Setting { get; init; }

    /// <summary>The study's seeds.</summary>
    public required IReadOnlyList<long> Seeds { get; init; }

    /// <summary>The verdicts.</summary>
    public required IReadOnlyList<StudyVerdictItem> Verdicts { get; init; }

    /// <summary>The plots.</summary>
    public required IReadOnlyList<StudyPlotItem> Plots { get; init; }

    /// <summary>Means of all metrics.</summary>
    public required IReadOnlyList<StudyValueItem> Values { get; init; }

    /// <summary>What cells cost.</summary>
    public required IReadOnlyList<StudyCostItem> Costs { get; init; }

    /// <summary>Cells that diverged.</summary>
    public required IReadOnlyList<string> Diverged { get; init; }

    /// <summary>Cells that failed.</summary>
    public required IReadOnlyList<StudyFailure> Failures { get; init; }

    /// <summary>Cells that were not run.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    /// <summary>Version, device, dates.</summary>
    public required IReadOnlyDictionary<string, string> Provenance { get; init; }

    internal static StudyDocument Of(StudyContent content)
    {
        StudyResults results = content.Results;
        StudyConfig config = results.Study.Config;
        return new StudyDocument
        {
            FormatVersion = CurrentVersion,
            Study = config.Name,
            Title = content.Title,
            Question = config.Question,
            Setting = config.Setting,
            Seeds = config.Seeds,
            Verdicts = [.. content.Verdicts.Select(v => new StudyVerdictItem(v.Claim, v.Outcome, Finite(v.Mean), Finite(v.Low), Finite(v.High), v.Seeds, StudySentence.Effect(v, results.Metric(v.Claim.Metric).Unit), StudySentence.Interval(v), v.Sentence))],
            Plots = [.. content.Plots.Select(p => new StudyPlotItem(p.Plot.Title, p.Plot.Metric, p.Plot.X, p.Categories, [.. p.Series.Select(s => s with { Level = Finite(s.Level) })]))],
            Values = [.. config.Metrics.SelectMany(m => results.Values(m.Name).GroupBy(v => (v.Record.Model, v.Place.Key)).Select(g => Value(m.Name, g)))],
            Costs = [.. results.Cells.Select(c => new StudyCostItem(c.Model, c.Seed, c.Conditions, c.LearningRate, c.Parameters, Finite(c.FlopsPerToken), c.Tokens, Finite(c.Flops), c.StateBytes, Finite(c.Cost.TrainS), c.Cost.PeakBytes, c.Cost.Device))],
            Diverged = [.. content.Diverged.Select(d => d.Cell)],
            Failures = results.Failures,
            Missing = results.Missing,
            Provenance = content.Provenance.ToDictionary(p => p.Name, p => p.Text),
        };
    }

    internal string ToJson() => JsonSerializer.Serialize(this, StudyDocumentJson.Default.StudyDocument) + "\n";

    private static StudyValueItem Value(string metric, IEnumerable<StudyValue> values)
    {
        StudyValue first = values.First();
        StudyMean? mean = StudyMean.OfSeeds(values);
        return new StudyValueItem(metric, first.Record.Model, first.Place.Values, mean?.Seeds ?? 0, mean?.Mean, mean?.HalfWidth);
    }

    private static double? Finite(double? value) => value is { } v && double.IsFinite(v) ? v : null;
}

/// <summary>A decided claim.</summary>
internal sealed record StudyVerdictItem(StudyClaimConfig Claim, StudyOutcome Outcome, double? Effect, double? Low, double? High,
    IReadOnlyList<StudySeedEffect> Seeds, string EffectText, string IntervalText, string Sentence);

/// <summary>A plot's lines.</summary>
internal sealed record StudyPlotItem(string Title, string Metric, string X, IReadOnlyList<string> Categories, IReadOnlyList<StudySeries> Series);

/// <summary>A metric of a model at a place, over seeds.</summary>
internal sealed record StudyValueItem(string Metric, string Model, IReadOnlyDictionary<string, string> At, int Seeds, double? Mean, double? HalfWidth);

/// <summary>What a cell cost.</summary>
internal sealed record StudyCostItem(string Model, long Seed, IReadOnlyDictionary<string, string> Conditions, double LearningRate, long Parameters,
    double? FlopsPerToken, long Tokens, double? Flops, long StateBytes, double? TrainS, long PeakBytes, string Device);

/// <summary>Source-generated metadata of reports.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    Converters = [typeof(SnakeCaseEnumConverter<ClaimEffect>), typeof(SnakeCaseEnumConverter<ClaimExpectation>), typeof(SnakeCaseEnumConverter<StudyOutcome>)],
    WriteIndented = true,
    NewLine = "\n")]
[JsonSerializable(typeof(StudyDocument))]
internal sealed partial class StudyDocumentJson : JsonSerializerContext;
