using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace GenoSeq.Training.Studies;

/// <summary>A number that a cell of a study measured.</summary>
/// <param name="Metric">What: <c>accuracy</c>, <c>bits_per_base</c>, <c>tokens_per_s</c>; one of the study's <see cref="StudyConfig.Metrics"/>.</param>
/// <param name="Value">The number; not a number where it is undefined.</param>
public sealed record StudyMeasurement(string Metric, double Value)
{
    /// <summary>
    /// Where, beyond the cell's own conditions: <c>length: 4096</c> of an evaluation at that length. Numbers are written invariantly, without
    /// exponents or separators where they are whole.
    /// </summary>
    public IReadOnlyDictionary<string, string> At { get; init; } = new Dictionary<string, string>();
}

/// <summary>A point of a cell's learning curve.</summary>
/// <param name="Tokens">Tokens seen so far.</param>
/// <param name="Flops">Floating-point operations spent so far, as counted by <c>ModelFlops</c>.</param>
/// <param name="Seconds">Seconds of training so far, evaluations left out.</param>
/// <param name="Value">The study's first metric on held-out data.</param>
public sealed record StudyCurvePoint(long Tokens, double Flops, double Seconds, double Value);

/// <summary>What a finished cell leaves behind: one model under one condition with one seed. All but <see cref="Cost"/> is the same again on a CPU.</summary>
public sealed record StudyRecord
{
    /// <summary>Name of the study.</summary>
    public required string Study { get; init; }

    /// <summary>Name of the model; the reference (a count model, a compressor) where <see cref="IsReference"/>.</summary>
    public required string Model { get; init; }

    /// <summary>It is no trained model but what models are compared with.</summary>
    public bool IsReference { get; init; }

    /// <summary>The seed.</summary>
    public required long Seed { get; init; }

    /// <summary>Values of the study's axes: <c>pairs: 16</c>.</summary>
    public IReadOnlyDictionary<string, string> Conditions { get; init; } = new Dictionary<string, string>();

    /// <summary>True for a cell that decides the learning rate; its measurements are of validation and in no table.</summary>
    public bool Trial { get; init; }

    /// <summary>SHA-256 of <see cref="Settings"/>.</summary>
    public required string SettingsSha256 { get; init; }

    /// <summary>All that the result depends on but data and seed.</summary>
    public required JsonObject Settings { get; init; }

    /// <summary>The learning rate; of a sweep the one that validation chose. 0: nothing was trained.</summary>
    public double LearningRate { get; init; }

    /// <summary>Trained values.</summary>
    public long Parameters { get; init; }

    /// <summary>Counted floating-point operations of training on one token; 0 where nothing was trained.</summary>
    public double FlopsPerToken { get; init; }

    /// <summary>Bytes of the state, or of the cache, for one sequence behind its last position.</summary>
    public long StateBytes { get; init; }

    /// <summary>Optimizer steps taken.</summary>
    public long Steps { get; init; }

    /// <summary>Tokens trained on.</summary>
    public long Tokens { get; init; }

    /// <summary>Floating-point operations of training.</summary>
    public double Flops { get; init; }

    /// <summary>Why training ended early with numbers that are not finite; null: it did not.</summary>
    public string? Diverged { get; init; }

    /// <summary>The learning curve.</summary>
    public IReadOnlyList<StudyCurvePoint> Curve { get; init; } = [];

    /// <summary>Its end, which chooses among trials: the study's first metric in validation; null: there is none.</summary>
    internal double? Validated => Curve is [.., var last] ? last.Value : null;

    /// <summary>What was measured.</summary>
    public IReadOnlyList<StudyMeasurement> Measurements { get; init; } = [];

    /// <summary>What it took.</summary>
    public required StudyCost Cost { get; init; }

    /// <summary>The text of the file.</summary>
    internal string ToJson() => JsonSerializer.Serialize(this, StudyRecordJson.Default.StudyRecord) + "\n";
}

/// <summary>What a cell took; it differs from run to run.</summary>
/// <param name="WallS">Seconds, over all sittings.</param>
/// <param name="TrainS">Seconds of training.</param>
/// <param name="PeakBytes">Largest memory: of the device's tensors, or of the process on a CPU.</param>
/// <param name="Device">Where.</param>
/// <param name="Version">Version of the program.</param>
/// <param name="Finished">When, in UTC.</param>
public sealed record StudyCost(double WallS, double TrainS, long PeakBytes, string Device, string Version, string Finished);

/// <summary>A cell that failed: its file until the next attempt.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Conditions">Values of the axes.</param>
/// <param name="Error">What was wrong, where, and what to try.</param>
public sealed record StudyFailure(string Model, long Seed, IReadOnlyDictionary<string, string> Conditions, string Error);

/// <summary>Source-generated metadata of what cells leave behind.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true,
    NewLine = "\n")]
[JsonSerializable(typeof(StudyRecord))]
[JsonSerializable(typeof(StudyFailure))]
internal sealed partial class StudyRecordJson : JsonSerializerContext;
