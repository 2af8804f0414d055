using System.Text.Json.Serialization;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Mixers;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Configuration;

/// <summary>All that a training run is: what <c>config.yaml</c> of a run folder holds.</summary>
public sealed record RunConfig : IValidated
{
    /// <summary>Name of the run; part of its folder's name.</summary>
    public string Name { get; init; } = "run";

    /// <summary>Seed of weights, windows, corruption and strands; each draws a stream of its own from it.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>Where to compute: cpu, cuda or cuda:N.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>The model.</summary>
    public ModelConfig Model { get; init; } = new();

    /// <summary>Where bases come from.</summary>
    public DataConfig Data { get; init; } = new();

    /// <summary>What is predicted.</summary>
    public ObjectiveConfig Objective { get; init; } = new();

    /// <summary>How it is trained.</summary>
    public TrainConfig Train { get; init; } = new();

    /// <summary>What is kept of it.</summary>
    public CheckpointConfig Checkpoint { get; init; } = new();

    /// <summary>What is printed at the end.</summary>
    public ReportConfig Report { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        foreach (string p in Model.Validate()) yield return $"model: {p}";
        if (Device != "cpu" && !IsCuda()) yield return $"device: must be cpu, cuda or cuda:N, not '{Device}'";
        if (Model.Alphabet is "caduceus" or "bytes" && Model.VocabSize < Alphabet.Get(Model.Alphabet).VocabSize)
        {
            yield return $"model: vocab_size is {Model.VocabSize}, and the alphabet {Model.Alphabet} needs {Alphabet.Get(Model.Alphabet).VocabSize}";
        }

        if (Objective.Kind == ObjectiveKind.Causal && Model.Bidirectional)
        {
            yield return "objective: kind is causal, but the model is bidirectional and would see what it is to predict; use mlm or model.bidirectional=false";
        }

        if (Objective.Kind == ObjectiveKind.Mlm && !Model.Bidirectional)
        {
            yield return "objective: kind is mlm, but the model is causal and would see one side only; use causal or model.bidirectional=true";
        }

        if (Objective.RcAugment && Model.RcEquivariant)
        {
            yield return "objective: rc_augment adds nothing to an equivariant model (model.rc_equivariant); set it to false";
        }

        if (Train.GlobalBatchSize < Data.ContextLength)
        {
            yield return $"train: global_batch_size is {Train.GlobalBatchSize} tokens, less than one window of data.context_length {Data.ContextLength}";
        }

        if (Model.LayerMixers().Contains("hyena") && Data.ContextLength > Model.Hyena.LMax)
        {
            yield return $"data: context_length is {Data.ContextLength}, and the model's filters are defined for model.hyena.l_max {Model.Hyena.LMax} positions";
        }

        LengthWarmupConfig warmup = Train.LengthWarmup;
        if (Train.ContextParallel > 1)
        {
            int shortest = warmup.StartLength > 1 ? Math.Min(warmup.StartLength, Data.ContextLength) : Data.ContextLength;
            if (Model.LayerMixers().FirstOrDefault(m => m != MixerFamilies.Mamba) is { } other) yield return $"train: context_parallel needs Mamba layers alone, and the model has {other}, which needs all positions in one place";
            if (Data.Pack) yield return "train: context_parallel divides whole windows, and data.pack puts several sequences into one; use one of the two";
            if (Train.ContextParallel > shortest) yield return $"train: context_parallel is {Train.ContextParallel}, more than a window of {shortest} has positions";
        }

        if (warmup.StartLength >= Data.ContextLength)
        {
            yield return $"train: length_warmup.start_length is {warmup.StartLength}, and must be less than data.context_length {Data.ContextLength}";
        }
        else if (warmup.StartLength >= 2 && warmup.StepsPerStage >= 1 && LengthSchedule.WarmupSteps(this) >= Train.Steps)
        {
            yield return $"train: length_warmup takes {LengthSchedule.WarmupSteps(this)} steps, and nothing of train.steps {Train.Steps} is left for data.context_length; use a larger start_length or fewer steps_per_stage";
        }
    }

    private bool IsCuda() => Device == "cuda" || (Device.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(Device.AsSpan(5), out _));
}

/// <summary>What is predicted.</summary>
public sealed record ObjectiveConfig : IValidated
{
    /// <summary>mlm: masked bases from both sides; causal: each base from those before it.</summary>
    public ObjectiveKind Kind { get; init; } = ObjectiveKind.Mlm;

    /// <summary>Share of positions that are targets (mlm).</summary>
    public double MaskProbability { get; init; } = 0.15;

    /// <summary>Share of targets shown as the mask token.</summary>
    public double MaskedShare { get; init; } = 0.8;

    /// <summary>Share of targets shown as a random token; the rest are shown as they are.</summary>
    public double RandomShare { get; init; } = 0.1;

    /// <summary>
    /// Validation shows every target as the mask token. A target shown as it is (or at random) tells the model something, so only
    /// masked targets give bits that can be compared with 2 bits for no idea, with count models, or between recipes.
    /// </summary>
    public bool ValidateMaskedOnly { get; init; } = true;

    /// <summary>Random tokens are drawn from: bases, or all ids (as published).</summary>
    public ReplaceWith ReplaceWith { get; init; } = ReplaceWith.Bases;

    /// <summary>N is shown as padding, as in the published recipe.</summary>
    public bool ParityNToPad { get; init; }

    /// <summary>Each training window is read from the other strand with probability one half.</summary>
    public bool RcAugment { get; init; }

    /// <summary>Loss weight of lower-case (repeat) bases.</summary>
    public float SoftMaskWeight { get; init; } = 1;

    internal ObjectiveOptions Options(long seed) => new()
    {
        Kind = Kind,
        MaskProbability = MaskProbability,
        MaskedShare = MaskedShare,
        RandomShare = RandomShare,
        ReplaceWith = ReplaceWith,
        ParityNToPad = ParityNToPad,
        ReverseComplementProbability = RcAugment ? 0.5 : 0,
        SoftMaskWeight = SoftMaskWeight,
        Seed = seed,
    };

    internal ObjectiveOptions ValidationOptions(long seed)
    {
        ObjectiveOptions options = Options(seed).ForEvaluation();
        return ValidateMaskedOnly ? options with { MaskedShare = 1, RandomShare = 0 } : options;
    }

    /// <inheritdoc/>
    public IEnumerable<string> Validate() => Options(0).Validate();
}

/// <summary>How a model is trained.</summary>
public sealed record TrainConfig : IValidated
{
    /// <summary>A run, or the folder of a checkpoint, whose weights training begins with (of a run its best); null: fresh ones.</summary>
    public string? Init { get; init; }

    /// <summary>Optimizer steps.</summary>
    public long Steps { get; init; } = 1000;

    /// <summary>Tokens in one optimizer step, over all devices; rounded down to whole windows.</summary>
    public long GlobalBatchSize { get; init; } = 16384;

    /// <summary>Windows in one forward and backward pass; 0: as many as one step has.</summary>
    public int MicroBatchSize { get; init; }

    /// <summary>Largest learning rate.</summary>
    public double LearningRate { get; init; } = 0.002;

    /// <summary>Learning rate at the end of the cosine.</summary>
    public double MinLearningRate { get; init; } = 0.0001;

    /// <summary>Steps of linear warm-up.</summary>
    public long WarmupSteps { get; init; } = 50;

    /// <summary>Decoupled weight decay of matrices (not of embedding, norms, biases, A_log, D).</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>AdamW's first decay rate.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's second decay rate.</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>AdamW's epsilon.</summary>
    public double Eps { get; init; } = 1e-8;

    /// <summary>Largest global gradient norm; 0: no clipping.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>fp32, or bf16: matrix products in bfloat16, everything else and the weights in single precision.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>
    /// What the backward pass computes again to save memory: none; scan (all but the scans' results); rows (each layer from its
    /// residual stream and the scans' step sizes, B and C); layer (from its residual stream); layer_time (the same in time chunks);
    /// auto chooses by the memory that is there. A CPU knows none and layer.
    /// </summary>
    public Recompute Recompute { get; init; } = Recompute.Auto;

    /// <summary>GPU memory in GiB that auto stays within; 0: what is free at the start.</summary>
    public double MemoryLimitGib { get; init; }

    /// <summary>
    /// Capture a step's passes as one CUDA graph: auto (where its memory leaves 30 % of what is there for validations and the
    /// like), on, or off.
    /// </summary>
    public CudaGraphUse CudaGraph { get; init; } = CudaGraphUse.Auto;

    /// <summary>
    /// With several processes: 0, each has the whole optimizer state; 1, each has and steps its share of it (ZeRO stage 1), at
    /// the same result. Alone it means nothing.
    /// </summary>
    public int ZeroStage { get; init; }

    /// <summary>
    /// Processes among which the positions of every window are divided (models of Mamba layers alone): for windows that one
    /// device cannot hold. The number of processes is a multiple of it.
    /// </summary>
    public int ContextParallel { get; init; } = 1;

    /// <summary>With several processes: MiB of gradients that are summed over them at once.</summary>
    public double BucketMib { get; init; } = 25;

    /// <summary>Short windows first, at the same number of tokens a step.</summary>
    public LengthWarmupConfig LengthWarmup { get; init; } = new();

    /// <summary>Steps between two lines of metrics.</summary>
    public long LogEvery { get; init; } = 10;

    /// <summary>Steps between two validations; 0: only at the end.</summary>
    public long ValidateEvery { get; init; } = 100;

    /// <summary>Tokens of one validation; 0: the whole validation part.</summary>
    public long ValidationTokens { get; init; } = 65536;

    /// <summary>End after this many validations without a new best; 0: never.</summary>
    public int Patience { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Steps < 1) yield return $"steps: must be at least 1, not {Steps}";
        if (GlobalBatchSize < 1) yield return $"global_batch_size: must be at least 1, not {GlobalBatchSize}";
        if (MicroBatchSize < 0) yield return $"micro_batch_size: must be 0 or positive, not {MicroBatchSize}";
        if (!(LearningRate > 0)) yield return $"learning_rate: must be positive, not {LearningRate}";
        if (!(MinLearningRate >= 0 && MinLearningRate <= LearningRate)) yield return $"min_learning_rate: must be from 0 to learning_rate, not {MinLearningRate}";
        if (WarmupSteps < 0 || WarmupSteps > Math.Max(Steps, 1)) yield return $"warmup_steps: must be from 0 to steps ({Steps}), not {WarmupSteps}";
        if (!(WeightDecay >= 0)) yield return $"weight_decay: must not be negative, not {WeightDecay}";
        if (Beta1 is not (>= 0 and < 1)) yield return $"beta1: must be in [0, 1), not {Beta1}";
        if (Beta2 is not (>= 0 and < 1)) yield return $"beta2: must be in [0, 1), not {Beta2}";
        if (!(Eps > 0)) yield return $"eps: must be positive, not {Eps}";
        if (!(ClipNorm >= 0)) yield return $"clip_norm: must not be negative, not {ClipNorm}";
        if (LogEvery < 1) yield return $"log_every: must be at least 1, not {LogEvery}";
        if (ValidateEvery < 0) yield return $"validate_every: must not be negative, not {ValidateEvery}";
        if (ValidationTokens < 0) yield return $"validation_tokens: must not be negative, not {ValidationTokens}";
        if (!(MemoryLimitGib >= 0)) yield return $"memory_limit_gib: must not be negative, not {MemoryLimitGib}";
        if (ZeroStage is not (0 or 1)) yield return $"zero_stage: must be 0 or 1, not {ZeroStage}";
        if (ContextParallel < 1) yield return $"context_parallel: must be at least 1, not {ContextParallel}";
        if (!(BucketMib > 0 && BucketMib <= 4096)) yield return $"bucket_mib: must be above 0 and at most 4096, not {BucketMib}";
        if (Patience < 0) yield return $"patience: must not be negative, not {Patience}";
    }
}

/// <summary>
/// Length warm-up: training begins with short windows, whose length doubles after every stage until it is
/// data.context_length; a step has as many tokens throughout (Nguyen et al., "HyenaDNA", NeurIPS 2023, section 3.2).
/// </summary>
public sealed record LengthWarmupConfig : IValidated
{
    /// <summary>Bases in a window of the first stage; 0: no warm-up.</summary>
    public int StartLength { get; init; }

    /// <summary>Optimizer steps of each stage before the last.</summary>
    public long StepsPerStage { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (StartLength != 0 && StartLength < 2) yield return $"start_length: must be 0 or at least 2, not {StartLength}";
        if (StartLength > 0 && StepsPerStage < 1) yield return $"steps_per_stage: must be at least 1 with a start_length, not {StepsPerStage}";
        if (StartLength == 0 && StepsPerStage != 0) yield return $"steps_per_stage: is {StepsPerStage}, but without a start_length there are no stages; set start_length too";
    }
}

/// <summary>Type of matrix products.</summary>
public enum Precision
{
    /// <summary>Single precision.</summary>
    Fp32,

    /// <summary>bfloat16 products, single precision elsewhere.</summary>
    Bf16,
}

/// <summary>When a step's passes are captured as one CUDA graph.</summary>
public enum CudaGraphUse
{
    /// <summary>Where memory is plentiful.</summary>
    Auto,

    /// <summary>Always.</summary>
    On,

    /// <summary>Never.</summary>
    Off,
}

/// <summary>What the backward pass computes again.</summary>
public enum Recompute
{
    /// <summary>Chosen by the free memory of the device; on a CPU nothing.</summary>
    Auto,

    /// <summary>Nothing that is dear.</summary>
    None,

    /// <summary>Each layer but for its scans' results.</summary>
    Scan,

    /// <summary>Each layer, from the residual stream before it and the rows of [dt, B, C].</summary>
    Rows,

    /// <summary>Each layer, from the residual stream before it.</summary>
    Layer,

    /// <summary>Each layer, in time chunks whose boundary states are kept.</summary>
    LayerTime,
}

/// <summary>What is kept of a run.</summary>
public sealed record CheckpointConfig : IValidated
{
    /// <summary>Steps between two checkpoints; 0: only at the end.</summary>
    public long Every { get; init; } = 200;

    /// <summary>Checkpoints kept besides the best one.</summary>
    public int Keep { get; init; } = 2;

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Every < 0) yield return $"every: must not be negative, not {Every}";
        if (Keep < 1) yield return $"keep: must be at least 1, not {Keep}";
    }
}

/// <summary>A table at the end: the model beside count models, in bits at the same held-out positions.</summary>
public sealed record ReportConfig : IValidated
{
    /// <summary>
    /// Statistical models fitted on the training part: flank-K (K bases on each side), markov-K (K bases before), or mixed (a DNA compressor: contexts of up to 24
    /// bases before and repeats; mixed-K: up to K); none: no table.
    /// </summary>
    public IReadOnlyList<string> Baselines { get; init; } = [];

    /// <summary>
    /// Count models count the reverse complement of the training part too, also where the model itself sees one strand only
    /// (causal without objective.rc_augment); false counts the strand of the files alone.
    /// </summary>
    public bool BothStrands { get; init; } = true;

    /// <summary>Tokens of the held-out stretch.</summary>
    public long Tokens { get; init; } = 131072;

    /// <summary>The run fails unless the model needs fewer bits than this baseline.</summary>
    public string? MustBeat { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        foreach (string b in Baselines)
        {
            if (!BaselineName.TryParse(b, out _)) yield return $"baselines: '{b}' is no baseline; use flank-1 to flank-6, markov-0 to markov-12, mixed, or mixed-1 to mixed-24";
        }

        if (Tokens < 1) yield return $"tokens: must be at least 1, not {Tokens}";
        if (MustBeat is not null && MustBeat != "uniform" && !Baselines.Contains(MustBeat))
        {
            yield return $"must_beat: '{MustBeat}' is not among the baselines";
        }
    }
}

/// <summary>Kinds of baselines.</summary>
public enum BaselineKind
{
    /// <summary>Counts with bases on each side.</summary>
    Flank,

    /// <summary>Counts with bases before.</summary>
    Markov,

    /// <summary>Counts of many orders and repeats, mixed.</summary>
    Mixed,
}

/// <summary>A baseline's name, taken apart.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="K">Bases of context, on each side or before; the most of them in a mixture.</param>
public readonly record struct BaselineName(BaselineKind Kind, int K)
{
    private const string MixedWord = "mixed";

    /// <summary>Reads flank-K, markov-K, mixed or mixed-K.</summary>
    public static bool TryParse(string text, out BaselineName name)
    {
        ArgumentNullException.ThrowIfNull(text);
        name = default;
        if (text == MixedWord)
        {
            name = new BaselineName(BaselineKind.Mixed, MixedOrderOptions.MaxOrder);
            return true;
        }

        string[] parts = text.Split('-');
        if (parts.Length != 2 || !int.TryParse(parts[1], System.Globalization.NumberStyles.None, null, out int k))
        {
            return false;
        }

        (BaselineKind? kind, int least, int most) = parts[0] switch
        {
            "flank" => (BaselineKind.Flank, 1, FlankCountModel.MaxFlank),
            "markov" => (BaselineKind.Markov, 0, MarkovModel.MaxOrder),
            MixedWord => (BaselineKind.Mixed, 1, MixedOrderOptions.MaxOrder),
            _ => ((BaselineKind?)null, 0, 0),
        };
        name = new BaselineName(kind ?? default, k);
        return kind is not null && k >= least && k <= most;
    }
}

/// <summary>Source-generated metadata of the run's configuration.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters =
    [
        typeof(SnakeCaseEnumConverter<ObjectiveKind>), typeof(SnakeCaseEnumConverter<ReplaceWith>),
        typeof(SnakeCaseEnumConverter<Precision>), typeof(SnakeCaseEnumConverter<Recompute>), typeof(SnakeCaseEnumConverter<CudaGraphUse>),
        typeof(SnakeCaseEnumConverter<WindowRule>), typeof(SnakeCaseEnumConverter<GapPolicy>),
        typeof(SnakeCaseEnumConverter<WindowPadding>),
    ])]
[JsonSerializable(typeof(RunConfig))]
public sealed partial class RunConfigJson : JsonSerializerContext;
