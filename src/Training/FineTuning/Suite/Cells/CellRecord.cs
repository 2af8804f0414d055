using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using GenoSeq.Training.Evaluation.Metrics;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>What a finished cell leaves behind: its file. All but <see cref="Cost"/> is the same again on a CPU.</summary>
internal sealed record CellRecord
{
    /// <summary>Name of the task.</summary>
    public required string Task { get; init; }

    /// <summary>Name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>The seed.</summary>
    public required long Seed { get; init; }

    /// <summary>True for a cell that decides a sweep; it has not seen the test part.</summary>
    public bool Trial { get; init; }

    /// <summary>The fold that validated, from 0; null: the validation part did.</summary>
    public int? Fold { get; init; }

    /// <summary>SHA-256 of <see cref="Settings"/>.</summary>
    public required string SettingsSha256 { get; init; }

    /// <summary>All that the result depends on but data and seed.</summary>
    public required JsonObject Settings { get; init; }

    /// <summary>Learning rate and batch size, and the recipe where there are several; of a sweep what validation chose; null for the k-mer regression.</summary>
    public SweepCandidate? Candidate { get; init; }

    /// <summary>What else validation chose, in words; empty where it had no choice.</summary>
    public string Chosen { get; init; } = "";

    /// <summary>The data.</summary>
    public required CellData Data { get; init; }

    /// <summary>The metric of validation that chose.</summary>
    public string SelectedBy { get; init; } = "";

    /// <summary>Its value; null where it is undefined, or training diverged.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? Selected { get; init; }

    /// <summary>Loss of validation, which decides between equal values; null where there is none.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>The metric of each member of a soup and of their mean, and which was taken; null where there is one member.</summary>
    public SoupResult? Soup { get; init; }

    /// <summary>How a trial diverged; null: it did not.</summary>
    public string? Diverged { get; init; }

    /// <summary>Optimizer steps taken.</summary>
    public long Steps { get; init; }

    /// <summary>Step whose weights were chosen.</summary>
    public long BestStep { get; init; }

    /// <summary>Values that were trained, the head's among them.</summary>
    public long TrainedParameters { get; init; }

    /// <summary>Values of the model and its head.</summary>
    public long Parameters { get; init; }

    /// <summary>Metrics of validation.</summary>
    public MetricSet? Validation { get; init; }

    /// <summary>Metrics of the test part; null for a trial.</summary>
    public MetricSet? Test { get; init; }

    /// <summary>What it took.</summary>
    public required CellCost Cost { get; init; }

    /// <summary>The text of the file.</summary>
    internal string ToJson() => JsonSerializer.Serialize(this, CellJson.Default.CellRecord) + "\n";
}

/// <summary>The data of a cell.</summary>
/// <param name="Sha256">Digest of the set, its parts included.</param>
/// <param name="Train">Training rows.</param>
/// <param name="Validation">Validation rows.</param>
/// <param name="Test">Test rows.</param>
/// <param name="Leaks">Sequences that parts share.</param>
/// <param name="Dropped">Training rows left out for it.</param>
/// <param name="Notes">What is allowed but may be a mistake.</param>
internal sealed record CellData(string Sha256, int Train, int Validation, int Test, CellLeaks Leaks, int Dropped, IReadOnlyList<string> Notes);

/// <summary>Test and validation rows whose sequence, on either strand, is elsewhere too.</summary>
/// <param name="TrainValidation">Validation rows that training has.</param>
/// <param name="TrainTest">Test rows that training has.</param>
/// <param name="ValidationTest">Test rows that validation has.</param>
/// <param name="InTrain">Training rows that repeat others.</param>
internal sealed record CellLeaks(int TrainValidation, int TrainTest, int ValidationTest, int InTrain);

/// <summary>What a cell took; it differs from run to run.</summary>
/// <param name="WallS">Seconds.</param>
/// <param name="Device">Where.</param>
/// <param name="Version">Version of the program.</param>
/// <param name="Finished">When, in UTC.</param>
internal sealed record CellCost(double WallS, string Device, string Version, string Finished);

/// <summary>A cell that failed: its file until the next attempt.</summary>
/// <param name="Task">Name of the task.</param>
/// <param name="Model">Name of the model.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Error">What was wrong, where, and what to try.</param>
internal sealed record CellFailure(string Task, string Model, long Seed, string Error);

/// <summary>Source-generated metadata of what cells leave behind.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true,
    NewLine = "\n")]
[JsonSerializable(typeof(CellRecord))]
[JsonSerializable(typeof(CellFailure))]
internal sealed partial class CellJson : JsonSerializerContext;
