using System.Text.Json.Serialization;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Studies;

/// <summary>What a cell of a study does.</summary>
public enum StudyKind
{
    /// <summary>Trains on genomes and measures bits per base.</summary>
    Language,

    /// <summary>Trains on a synthetic task and measures accuracy.</summary>
    Task,

    /// <summary>Trains nothing and measures speed and memory.</summary>
    Cost,
}

/// <summary>Settings of a cell: a group for each thing that a study may vary.</summary>
public sealed record StudyCellConfig : IValidated
{
    /// <summary>language, task or cost.</summary>
    public StudyKind Kind { get; init; }

    /// <summary>The model.</summary>
    public ModelConfig Model { get; init; } = new();

    /// <summary>Width of the MLPs that the model has, as a multiple of d_model, rounded up to a multiple of 64; 0: as model.mlp says.</summary>
    public double MlpWidth { get; init; }

    /// <summary>Genomes, for kind language, and for tasks with a real background.</summary>
    public DataConfig? Data { get; init; }

    /// <summary>What is predicted on genomes.</summary>
    public ObjectiveConfig Objective { get; init; } = new() { Kind = ObjectiveKind.Causal };

    /// <summary>The task, for kind task.</summary>
    public SyntheticTaskOptions? Task { get; init; }

    /// <summary>Genomes thinned with filler; null: as they are. Lengths, batches and budgets in tokens count bases.</summary>
    public FillerOptions? Filler { get; init; }

    /// <summary>Genomes as words of k bases; null: base by base. Lengths, batches and budgets in tokens count bases; the model's vocabulary follows.</summary>
    public KmerOptions? Kmer { get; init; }

    /// <summary>How it is trained.</summary>
    public StudyTrainConfig Train { get; init; } = new();

    /// <summary>For how long.</summary>
    public StudyBudgetConfig Budget { get; init; } = new();

    /// <summary>What is measured of what was trained.</summary>
    public StudyEvaluateConfig Evaluate { get; init; } = new();

    /// <summary>What is measured of kind cost.</summary>
    public StudyCostConfig Cost { get; init; } = new();

    /// <summary>The model with the vocabulary of its words and the width of its MLPs.</summary>
    internal ModelConfig BuiltModel => Model with
    {
        VocabSize = Kmer is null ? Model.VocabSize : ((1 << (2 * Kmer.K)) + 2 + 7) / 8 * 8,
        Mlp = MlpWidth > 0 ? Model.Mlp is { } mlp ? mlp with { DFf = ((int)Math.Round(MlpWidth * Model.DModel) + 63) / 64 * 64 } : null : Model.Mlp,
    };

    /// <summary>Problems of options that do not know the binder.</summary>
    internal static IEnumerable<string>? Problems(object options) => options switch
    {
        SyntheticTaskOptions t => t.Validate(),
        FillerOptions f => f.Validate(),
        KmerOptions k => k.Validate(),
        RepeatProbeOptions r => r.Validate(),
        _ => null,
    };

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        foreach (string p in Model.Validate()) yield return $"model: {p}";
        int longest = Evaluate.Lengths.Concat(Evaluate.Distances).Concat(Kind == StudyKind.Cost ? Cost.Lengths : []).Append(Task is not null ? Task.Length : Data?.ContextLength ?? 0).Max();
        if (Model.LayerMixers().Contains("hyena") && longest > Model.Hyena.LMax)
        {
            yield return $"model: hyena.l_max is {Model.Hyena.LMax}, and there are sequences of {longest}; its filters have no values beyond it";
        }

        if (!(MlpWidth >= 0 && MlpWidth <= 64)) yield return $"mlp_width: must be from 0 to 64, not {MlpWidth}";
        if (Kind == StudyKind.Task && Task is null) yield return "task: kind task needs one";
        if (Kind == StudyKind.Task && Data is not null && Task is { Kind: not SyntheticKind.Needle }) yield return "data: only a needle is planted in genomes";
        if (Kind != StudyKind.Language && (Filler is not null || Kmer is not null)) yield return "kind: filler and words are made of genomes; must be language";
        if (Filler is not null && Kmer is not null) yield return "filler: does not go with words (kmer)";
        if ((Filler is not null || Kmer is not null) && (Objective.Kind != ObjectiveKind.Causal || Objective.RcAugment)) yield return "objective: filler and words are predicted forward; must be causal without rc_augment";
        if ((Filler is not null || Kmer is not null) && (Train.StartLength > 0 || Evaluate.Lengths.Count > 0 || Evaluate.Repeats is not null)) yield return "evaluate: filler and words have one length";
        if (Kind == StudyKind.Task && Train.StartLength > 0 && Task is { } task && Train.StartLength < SyntheticTasks.MinLength(task)) yield return $"train: start_length is {Train.StartLength}, and the task needs {SyntheticTasks.MinLength(task)} tokens";
        if (Evaluate.Repeats is not null && (Kind != StudyKind.Language || Model.Bidirectional)) yield return "evaluate: repeats are read by causal models of genomes";
        if (Evaluate.Distances.Count > 0 && Evaluate.Repeats is null && Task is not { Kind: SyntheticKind.Needle }) yield return "evaluate: distances are those of a needle or of repeats";
        if (Kind == StudyKind.Language && Data is null) yield return "data: kind language needs genomes";
        if (Kind == StudyKind.Language && (Objective.Kind == ObjectiveKind.Causal) == Model.Bidirectional)
        {
            yield return Model.Bidirectional
                ? "objective: kind is causal, but the model is bidirectional and would see what it is to predict; use mlm"
                : "objective: kind is mlm, but the model is causal; use causal";
        }

        if (Kind == StudyKind.Language && Objective.RcAugment && Model.RcEquivariant) yield return "objective: rc_augment adds nothing to an equivariant model";
        if (Kind == StudyKind.Language && Data is { } d && Train.GlobalBatchSize < d.ContextLength)
        {
            yield return $"train: global_batch_size is {Train.GlobalBatchSize} tokens, less than one window of data.context_length {d.ContextLength}";
        }
    }
}

/// <summary>How a cell is trained. The learning rate is the study's where it has a list of them.</summary>
public sealed record StudyTrainConfig : IValidated
{
    /// <summary>Tokens in one optimizer step, rounded down to whole windows, at least one.</summary>
    public long GlobalBatchSize { get; init; } = 8192;

    /// <summary>Windows in one forward and backward pass; 0: as many as one step has.</summary>
    public int MicroBatchSize { get; init; }

    /// <summary>Largest learning rate.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Learning rate at the end of the cosine, as a share of the largest.</summary>
    public double FinalShare { get; init; } = 0.1;

    /// <summary>Share of the steps that warms up.</summary>
    public double WarmupShare { get; init; } = 0.05;

    /// <summary>Share of the budget that is trained, for tries.</summary>
    public double BudgetShare { get; init; } = 1;

    /// <summary>Decoupled weight decay of matrices.</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>AdamW's first decay rate.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's second decay rate.</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Largest global gradient norm; 0: no clipping.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>fp32, or bf16 for matrix products.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>What the backward pass computes again.</summary>
    public Recompute Recompute { get; init; } = Recompute.Auto;

    /// <summary>Capture steps as CUDA graphs.</summary>
    public CudaGraphUse CudaGraph { get; init; } = CudaGraphUse.Auto;

    /// <summary>Length warm-up (kind language): bases in a window of the first stage, doubling until data.context_length; 0: none.</summary>
    public int StartLength { get; init; }

    /// <summary>Share of the steps that the stages before the last have together.</summary>
    public double LengthWarmupShare { get; init; } = 0.5;

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (GlobalBatchSize < 1) yield return $"global_batch_size: must be at least 1, not {GlobalBatchSize}";
        if (MicroBatchSize < 0) yield return $"micro_batch_size: must be 0 or positive, not {MicroBatchSize}";
        if (!(LearningRate > 0)) yield return $"learning_rate: must be positive, not {LearningRate}";
        if (!(FinalShare is >= 0 and <= 1)) yield return $"final_share: must be from 0 to 1, not {FinalShare}";
        if (!(WarmupShare is >= 0 and < 1)) yield return $"warmup_share: must be at least 0 and less than 1, not {WarmupShare}";
        if (!(BudgetShare is > 0 and <= 1)) yield return $"budget_share: must be above 0 and at most 1, not {BudgetShare}";
        if (!(WeightDecay >= 0)) yield return $"weight_decay: must not be negative, not {WeightDecay}";
        if (Beta1 is not (>= 0 and < 1)) yield return $"beta1: must be in [0, 1), not {Beta1}";
        if (Beta2 is not (>= 0 and < 1)) yield return $"beta2: must be in [0, 1), not {Beta2}";
        if (!(ClipNorm >= 0)) yield return $"clip_norm: must not be negative, not {ClipNorm}";
        if (StartLength is not 0 and < 2) yield return $"start_length: must be 0 or at least 2, not {StartLength}";
        if (!(LengthWarmupShare is > 0 and < 1)) yield return $"length_warmup_share: must be between 0 and 1, not {LengthWarmupShare}";
    }
}

/// <summary>For how long a cell is trained: one of the three.</summary>
public sealed record StudyBudgetConfig : IValidated
{
    /// <summary>Tokens: matched data; of genomes bases, whatever tokens they are made into.</summary>
    public double Tokens { get; init; }

    /// <summary>Floating-point operations, as counted from the model: matched compute.</summary>
    public double Flops { get; init; }

    /// <summary>Seconds of training on the device at hand: matched time. The steps that fit are estimated by timing the first ones.</summary>
    public double Seconds { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        double[] all = [Tokens, Flops, Seconds];
        if (all.Any(v => !(v >= 0 && double.IsFinite(v)))) yield return "must not be negative";
        if (all.Count(v => v > 0) > 1) yield return "must be one of tokens, flops and seconds";
    }
}

/// <summary>What is measured of what was trained.</summary>
public sealed record StudyEvaluateConfig : IValidated
{
    /// <summary>Points of the learning curve, the last one at the end.</summary>
    public int CurvePoints { get; init; } = 8;

    /// <summary>Tokens of held-out data for each point of the curve.</summary>
    public long CurveTokens { get; init; } = 65536;

    /// <summary>Tokens of held-out data for what is measured at the end; 0 (kind language): the whole test part.</summary>
    public long Tokens { get; init; } = 262144;

    /// <summary>At least so many samples of a task are measured, however long they are.</summary>
    public int MinSamples { get; init; } = 1;

    /// <summary>Lengths at which the trained model is measured beside the one that it was trained at.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [];

    /// <summary>Distances at which it is measured: tokens from a needle to its question, or bases between the copies of <see cref="Repeats"/>.</summary>
    public IReadOnlyList<int> Distances { get; init; } = [];

    /// <summary>What the loss on repeats is measured with; null: it is not measured. Spacer and copy are those of each measurement.</summary>
    public RepeatProbeOptions? Repeats { get; init; }

    /// <summary>Labelled sets that the trained model is tuned on; null: none.</summary>
    public DownstreamConfig? Downstream { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Distances.Any(d => d < 0)) yield return "distances: must not be negative";
        if (Repeats is not null && Distances.Count == 0) yield return "distances: name at least one for repeats";
        if (CurvePoints < 1) yield return $"curve_points: must be at least 1, not {CurvePoints}";
        if (CurveTokens < 1) yield return $"curve_tokens: must be at least 1, not {CurveTokens}";
        if (Tokens < 0) yield return $"tokens: must not be negative, not {Tokens}";
        if (MinSamples < 1) yield return $"min_samples: must be at least 1, not {MinSamples}";
        if (Lengths.Any(l => l < 2)) yield return "lengths: must be at least 2";
    }
}

/// <summary>Labelled sets that a trained model is tuned on, as `genoseq benchmark` does.</summary>
public sealed record DownstreamConfig : IValidated
{
    /// <summary>File of a suite.</summary>
    public string Suite { get; init; } = "";

    /// <summary>Name of a recipe in it.</summary>
    public string Recipe { get; init; } = "";

    /// <summary>Names of its tasks; empty: all.</summary>
    public IReadOnlyList<string> Tasks { get; init; } = [];

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Suite.Length == 0) yield return "suite: is empty";
        if (Recipe.Length == 0) yield return "recipe: is empty";
    }
}

/// <summary>What kind cost measures: a training step, reading a sequence, and a step of generation.</summary>
public sealed record StudyCostConfig : IValidated
{
    /// <summary>Tokens of a training step, in windows of each length; at least one window.</summary>
    public long StepTokens { get; init; } = 131072;

    /// <summary>Lengths.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [2048, 16384, 131072, 1048576];

    /// <summary>Timed steps.</summary>
    public int Repeats { get; init; } = 3;

    /// <summary>Timed steps of generation; 0: generation is not measured.</summary>
    public int DecodeSteps { get; init; } = 128;

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (StepTokens < 1) yield return $"step_tokens: must be at least 1, not {StepTokens}";
        if (Lengths.Count == 0 || Lengths.Any(l => l < 2)) yield return "lengths: name at least one, each at least 2";
        if (Repeats < 1) yield return $"repeats: must be at least 1, not {Repeats}";
        if (DecodeSteps < 0) yield return $"decode_steps: must not be negative, not {DecodeSteps}";
    }
}

/// <summary>Source-generated metadata of a cell's settings.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters =
    [
        typeof(SnakeCaseEnumConverter<StudyKind>), typeof(SnakeCaseEnumConverter<ObjectiveKind>), typeof(SnakeCaseEnumConverter<ReplaceWith>),
        typeof(SnakeCaseEnumConverter<Precision>), typeof(SnakeCaseEnumConverter<Recompute>), typeof(SnakeCaseEnumConverter<CudaGraphUse>),
        typeof(SnakeCaseEnumConverter<WindowRule>), typeof(SnakeCaseEnumConverter<GapPolicy>), typeof(SnakeCaseEnumConverter<WindowPadding>),
        typeof(SnakeCaseEnumConverter<SyntheticKind>), typeof(SnakeCaseEnumConverter<SyntheticFiller>), typeof(SnakeCaseEnumConverter<LookupOrder>),
        typeof(SnakeCaseEnumConverter<PermutationGroup>), typeof(SnakeCaseEnumConverter<PermutationInputs>), typeof(SnakeCaseEnumConverter<FillerSpacing>),
    ])]
[JsonSerializable(typeof(StudyCellConfig))]
public sealed partial class StudyCellJson : JsonSerializerContext;
