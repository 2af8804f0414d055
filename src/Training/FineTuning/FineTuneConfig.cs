using System.Text.Json.Serialization;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning;

/// <summary>All that a fine-tuning run is: what <c>config.yaml</c> of its folder holds.</summary>
public sealed record FineTuneConfig : IValidated
{
    /// <summary>Name of the run; part of its folder's name.</summary>
    public string Name { get; init; } = "finetune";

    /// <summary>Seed of the first repetition: head, order of rows, strands (and from scratch the weights).</summary>
    public long Seed { get; init; } = 42;

    /// <summary>Repetitions, with `seed`, `seed` + 1 and so on.</summary>
    public int Seeds { get; init; } = 1;

    /// <summary>Where to compute: cpu, cuda or cuda:N.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Folder of the model to start from: a checkpoint, or a run, of which the best checkpoint is taken.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The model where there is no checkpoint (`finetune.mode`: scratch); a checkpoint brings its own.</summary>
    public ModelConfig Model { get; init; } = new();

    /// <summary>The labelled sequences.</summary>
    public LabelledDataConfig Data { get; init; } = new();

    /// <summary>What is trained, and how.</summary>
    public FineTuningConfig Finetune { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        foreach (string p in Model.Validate()) yield return $"model: {p}";
        if (Seeds < 1) yield return $"seeds: must be at least 1, not {Seeds}";
        if (Seed < 0) yield return $"seed: must not be negative, not {Seed}";
        if (Checkpoint is null && Finetune.Mode != TuningMode.Scratch)
        {
            yield return $"checkpoint: is missing, and finetune.mode {ConfigNames.Policy.ConvertName(Finetune.Mode.ToString())} starts from one; name one, or use finetune.mode=scratch";
        }
    }
}

/// <summary>What is trained.</summary>
public enum TuningMode
{
    /// <summary>The whole model and the head.</summary>
    Full,

    /// <summary>The head alone, on embeddings that are computed once.</summary>
    Probe,

    /// <summary>Low-rank changes of the projections, and the head.</summary>
    Lora,

    /// <summary>The whole model from fresh weights.</summary>
    Scratch,
}

/// <summary>What becomes of sequences longer than `max_length`.</summary>
public enum TooLong
{
    /// <summary>They are refused.</summary>
    Error,

    /// <summary>Their first bases are taken.</summary>
    Truncate,

    /// <summary>They are cut in windows, each trained on, whose logits are averaged.</summary>
    Window,
}

/// <summary>Weights of classes in the loss.</summary>
public enum ClassWeights
{
    /// <summary>All alike.</summary>
    None,

    /// <summary>Inverse to the class's share of the training rows; 1 on average over the rows.</summary>
    Balanced,
}

/// <summary>Type of a task's head.</summary>
public enum HeadKind
{
    /// <summary>One linear layer.</summary>
    Linear,

    /// <summary>Two, with a GELU between.</summary>
    Mlp,
}

/// <summary>Source-generated metadata of the configuration of fine-tuning.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters =
    [
        typeof(SnakeCaseEnumConverter<TuningMode>), typeof(SnakeCaseEnumConverter<TooLong>), typeof(SnakeCaseEnumConverter<ClassWeights>),
        typeof(SnakeCaseEnumConverter<HeadKind>), typeof(SnakeCaseEnumConverter<HeadStrands>), typeof(SnakeCaseEnumConverter<Pooling>), typeof(SnakeCaseEnumConverter<Precision>),
        typeof(SnakeCaseEnumConverter<LabelType>),
    ])]
[JsonSerializable(typeof(FineTuneConfig))]
public sealed partial class FineTuneConfigJson : JsonSerializerContext;
