using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A model of a suite: a checkpoint, a preset from fresh weights, or a baseline.</summary>
public sealed record SuiteModelConfig : IValidated
{
    internal static readonly string[] Baselines = ["cnn", "kmer"];

    /// <summary>Its name in the table.</summary>
    public string Name { get; init; } = "";

    /// <summary>Folder of a checkpoint.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Preset of a model with fresh weights.</summary>
    public string? Preset { get; init; }

    /// <summary>cnn, or kmer: logistic regression of k-mer counts.</summary>
    public string? Baseline { get; init; }

    /// <summary>Name of its recipe.</summary>
    public string Recipe { get; init; } = "";

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
        if (new[] { Checkpoint, Preset, Baseline }.Count(s => s is not null) != 1) yield return "give one of checkpoint, preset and baseline";
        if (Preset is not null && GenoSeq.Models.ModelPresets.Find(Preset) is null) yield return $"preset: there is no '{Preset}'; see genoseq models";
        if (Baseline is not null && !Baselines.Contains(Baseline)) yield return $"baseline: must be one of {string.Join(", ", Baselines)}, not '{Baseline}'";
    }
}
