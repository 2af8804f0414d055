using System.Text.Json.Serialization;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>Which seeds a sweep is run with.</summary>
public enum SweepSeeds
{
    /// <summary>The suite's first seed.</summary>
    First,

    /// <summary>All seeds of the suite; the mean over them decides.</summary>
    All,
}

/// <summary>
/// How models are tuned. Several learning rates or batch sizes are a sweep, decided by validation alone. What is not named here
/// means what it means in <see cref="FineTuningConfig"/>.
/// </summary>
public sealed record SuiteRecipeConfig : IValidated
{
    private const int MaxFolds = 100;

    private static readonly FineTuningConfig s_defaults = new();

    /// <summary>Its name, as models refer to it.</summary>
    public string Name { get; init; } = "";

    /// <summary>Who published it, and where.</summary>
    public string Source { get; init; } = "";

    /// <summary>full, probe or lora; models from fresh weights are trained whole.</summary>
    public TuningMode Mode { get; init; } = TuningMode.Full;

    /// <summary>Largest learning rates to try.</summary>
    public IReadOnlyList<double> LearningRates { get; init; } = [1e-3];

    /// <summary>The learning rate of a task whose best one is published: no others are tried.</summary>
    public IReadOnlyDictionary<string, double> TaskLearningRates { get; init; } = new Dictionary<string, double>();

    /// <summary>Rows of an optimizer step to try.</summary>
    public IReadOnlyList<int> BatchSizes { get; init; } = [128];

    /// <summary>Seeds that a sweep is run with: first or all.</summary>
    public SweepSeeds SweepSeeds { get; init; } = SweepSeeds.First;

    /// <summary>
    /// A sweep is decided by cross-validation over so many folds of the training and validation rows together, in place of the validation part, which of a
    /// small set is too small to choose by; 0: by the validation part. The chosen runs train and validate on the parts of the set.
    /// </summary>
    public int SweepFolds { get; init; }

    /// <summary>Rows of one forward and backward pass; 0: as many as a step has.</summary>
    public int MicroBatchSize { get; init; }

    /// <summary>Passes over the training rows.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>
    /// Small sets are passed over more often, until there are so many steps; there validation comes as often as if `epochs` passes
    /// made them. 0: no more passes than `epochs`.
    /// </summary>
    public long MinSteps { get; init; }

    /// <summary>End after this many optimizer steps; 0: after the epochs.</summary>
    public long MaxSteps { get; init; }

    /// <summary>End after this many validations without a new best; 0: never.</summary>
    public int Patience { get; init; }

    /// <summary>Largest learning rate of the head; 0: the same.</summary>
    public double HeadLearningRate { get; init; }

    /// <summary>The rate of each layer is that of the layer above times this.</summary>
    public double LayerDecay { get; init; } = s_defaults.LayerDecay;

    /// <summary>Epochs after which each further layer from the top joins; 0: all train from the start.</summary>
    public int UnfreezeEvery { get; init; }

    /// <summary>Layers at the top that begin with fresh weights instead of the checkpoint's.</summary>
    public int FreshLayers { get; init; }

    /// <summary>The last norm begins with ones.</summary>
    public bool FreshNorm { get; init; }

    /// <summary>Share of fresh weights mixed into all of the checkpoint's.</summary>
    public double FreshShare { get; init; }

    /// <summary>Steps in which the model first learns the training rows without their labels.</summary>
    public long AdaptSteps { get; init; }

    /// <summary>Largest learning rate of these steps; 0: the same.</summary>
    public double AdaptLearningRate { get; init; }

    /// <summary>Weight of predicting bases beside the labels.</summary>
    public double LanguageWeight { get; init; }

    /// <summary>A moving average of the weights is judged, of which each step leaves this share; baselines have none.</summary>
    public double AverageDecay { get; init; }

    /// <summary>So many members are trained and their weights averaged; baselines have one.</summary>
    public int Soup { get; init; } = 1;

    /// <summary>Rank of the changes in mode lora.</summary>
    public int LoraRank { get; init; } = s_defaults.LoraRank;

    /// <summary>The changes are multiplied by this over the rank.</summary>
    public double LoraAlpha { get; init; } = s_defaults.LoraAlpha;

    /// <summary>linear, or mlp with one hidden layer.</summary>
    public HeadKind Head { get; init; } = HeadKind.Linear;

    /// <summary>Width of the MLP's hidden layer; 0: the model's.</summary>
    public int HeadHidden { get; init; }

    /// <summary>Decoupled weight decay of matrices.</summary>
    public double WeightDecay { get; init; } = s_defaults.WeightDecay;

    /// <summary>AdamW's first decay rate.</summary>
    public double Beta1 { get; init; } = s_defaults.Beta1;

    /// <summary>AdamW's second decay rate.</summary>
    public double Beta2 { get; init; } = s_defaults.Beta2;

    /// <summary>AdamW's epsilon.</summary>
    public double Eps { get; init; } = s_defaults.Eps;

    /// <summary>Share of the steps that warms up.</summary>
    public double WarmupShare { get; init; } = 0.01;

    /// <summary>Learning rate at the end of the cosine, as a share of the largest.</summary>
    public double FinalShare { get; init; } = 0.1;

    /// <summary>Largest global gradient norm; 0: no clipping.</summary>
    public double ClipNorm { get; init; } = s_defaults.ClipNorm;

    /// <summary>fp32, or bf16 for the model's matrix products.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>How states become one vector: mean, max, last, attention or parity (mean, padding included).</summary>
    public Pooling Pooling { get; init; } = Pooling.Mean;

    /// <summary>none or balanced.</summary>
    public ClassWeights ClassWeights { get; init; } = ClassWeights.None;

    /// <summary>Training rows are read from the other strand with probability one half; the k-mer regression counts both strands.</summary>
    public bool RcAugment { get; init; }

    /// <summary>Share of the bases of training rows that the mask token hides, others in each epoch; baselines have none.</summary>
    public double MaskRate { get; init; }

    /// <summary>Outputs of validation and test are averaged over both strands.</summary>
    public bool RcAverage { get; init; }

    /// <summary>Share of the training rows that validates, where the task has no validation part.</summary>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>Chooses those rows, the same for all seeds.</summary>
    public long SplitSeed { get; init; } = s_defaults.SplitSeed;

    /// <summary>Metric of validation that chooses epoch, learning rate and batch size; empty: the task's.</summary>
    public string SelectBy { get; init; } = "";

    /// <summary>Training rows that validation or test have too are left out, on either strand.</summary>
    public bool DropLeaks { get; init; }

    /// <summary>Rows of a batch of the batch-averaged metrics that published tables have; 0: whole splits alone.</summary>
    public int UpstreamBatchSize { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
        if (Mode == TuningMode.Scratch) yield return "mode: must be full, probe or lora; models say themselves that they start from fresh weights (preset, scratch_of)";
        if (LearningRates.Count == 0) yield return "learning_rates: name at least one";
        if (LearningRates.Concat(TaskLearningRates.Values).Any(r => !(r > 0 && double.IsFinite(r)))) yield return "learning_rates: must be positive";
        if (BatchSizes.Count == 0 || BatchSizes.Any(b => b < 1)) yield return "batch_sizes: name at least one, all positive";
        if (LearningRates.Distinct().Count() < LearningRates.Count || BatchSizes.Distinct().Count() < BatchSizes.Count) yield return "learning_rates, batch_sizes: must be different";
        if (SweepFolds is not (0 or (>= 2 and <= MaxFolds))) yield return $"sweep_folds: must be 0, or from 2 to {MaxFolds}, not {SweepFolds}";
        if (FinalShare is not (>= 0 and <= 1)) yield return $"final_share: must be from 0 to 1, not {FinalShare}";
        if (MinSteps < 0) yield return $"min_steps: must be 0 or positive, not {MinSteps}";
        if (MaxSteps > 0 && MinSteps > MaxSteps) yield return $"min_steps: must be at most max_steps, {MaxSteps}, not {MinSteps}";
        if (UpstreamBatchSize < 0) yield return $"upstream_batch_size: must be 0 or positive, not {UpstreamBatchSize}";
        if (SelectBy.Length > 0 && SelectBy != "loss" && !SuiteMetrics.Names.Contains(SelectBy)) yield return $"select_by: must be loss or one of {string.Join(", ", SuiteMetrics.Names)}, not '{SelectBy}'";
        // The rest is what fine-tuning itself asks for; rate and batch size are checked above.
        foreach (string p in (Tuning(new SweepCandidate(1, 1)) with { MinLearningRate = 0 }).Validate()) yield return p;
    }

    /// <summary>The learning rates to try on a task.</summary>
    public IReadOnlyList<double> LearningRatesOf(string task) => TaskLearningRates.TryGetValue(task, out double best) ? [best] : LearningRates;

    /// <summary>What a sweep on a task chooses from; one candidate is no sweep.</summary>
    public IReadOnlyList<SweepCandidate> CandidatesOf(string task) =>
        [.. LearningRatesOf(task).SelectMany(_ => BatchSizes, (rate, batch) => new SweepCandidate(rate, batch))];

    /// <summary>The settings of fine-tuning with one of the candidates, without what the task says.</summary>
    internal FineTuningConfig Tuning(SweepCandidate candidate) => new()
    {
        Mode = Mode,
        Pooling = Pooling,
        Head = Head,
        HeadHidden = HeadHidden,
        RcAugment = RcAugment,
        MaskRate = MaskRate,
        RcAverage = RcAverage,
        Epochs = Epochs,
        MaxSteps = MaxSteps,
        BatchSize = candidate.BatchSize,
        MicroBatchSize = MicroBatchSize,
        LearningRate = candidate.LearningRate,
        HeadLearningRate = HeadLearningRate,
        MinLearningRate = candidate.LearningRate * FinalShare,
        WarmupShare = WarmupShare,
        LayerDecay = LayerDecay,
        UnfreezeEvery = UnfreezeEvery,
        FreshLayers = FreshLayers,
        FreshNorm = FreshNorm,
        FreshShare = FreshShare,
        AdaptSteps = AdaptSteps,
        AdaptLearningRate = AdaptLearningRate,
        LanguageWeight = LanguageWeight,
        AverageDecay = AverageDecay,
        Soup = Soup,
        LoraRank = LoraRank,
        LoraAlpha = LoraAlpha,
        WeightDecay = WeightDecay,
        Beta1 = Beta1,
        Beta2 = Beta2,
        Eps = Eps,
        ClipNorm = ClipNorm,
        Precision = Precision,
        ClassWeights = ClassWeights,
        ValidationFraction = ValidationFraction,
        SplitSeed = SplitSeed,
        Patience = Patience,
    };
}

/// <summary>What a sweep can choose.</summary>
/// <param name="LearningRate">Largest learning rate.</param>
/// <param name="BatchSize">Rows of an optimizer step.</param>
/// <param name="Recipe">Name of the recipe, where there are several; null: there is one.</param>
public sealed record SweepCandidate(double LearningRate, int BatchSize, string? Recipe = null)
{
    /// <summary>As a part of file names.</summary>
    [JsonIgnore]
    public string FileName => (Recipe is null ? "" : SuiteFolder.FileName(Recipe) + "-") + FormattableString.Invariant($"lr{LearningRate:R}-batch{BatchSize}").ToLowerInvariant();

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{(Recipe is null ? "" : $"recipe {Recipe}, ")}learning rate {LearningRate:R}, batch {BatchSize}");
}
