using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning;

/// <summary>What is trained on labelled sequences, and how.</summary>
public sealed record FineTuningConfig : IValidated
{
    private const int MaxSoup = 100;

    /// <summary>full: the whole model; probe: the head alone; lora: low-rank changes of the projections; scratch: fresh weights.</summary>
    public TuningMode Mode { get; init; } = TuningMode.Full;

    /// <summary>
    /// How the states of a sequence become one vector: mean; max; last; attention (a trained weighting); position (trained weights
    /// of each position, for windows cut about a landmark); parity (mean with padding up to `finetune.max_length`, as in published tables).
    /// </summary>
    public Pooling Pooling { get; init; } = Pooling.Mean;

    /// <summary>Of an equivariant model: both (strands averaged, so that a sequence and its reverse complement have the same result), or given (the strand as it stands in the data).</summary>
    public HeadStrands Strands { get; init; } = HeadStrands.Both;

    /// <summary>linear, or mlp with one hidden layer.</summary>
    public HeadKind Head { get; init; } = HeadKind.Linear;

    /// <summary>Width of the MLP's hidden layer; 0: the model's.</summary>
    public int HeadHidden { get; init; }

    /// <summary>The head's last layer has a bias; false: none, as in CaduceusForSequenceClassification.</summary>
    public bool HeadBias { get; init; } = true;

    /// <summary>Each training row is read from the other strand with probability one half; an equivariant model needs none.</summary>
    public bool RcAugment { get; init; } = true;

    /// <summary>Share of the bases of training rows that the mask token hides, others in each epoch: against learning a small set by heart.</summary>
    public double MaskRate { get; init; }

    /// <summary>Outputs of validation and test are averaged over both strands; an equivariant model needs none.</summary>
    public bool RcAverage { get; init; } = true;

    /// <summary>Longest sequence in bases; 0: no limit. With parity pooling the length that rows are padded to; 0: the longest of the set.</summary>
    public int MaxLength { get; init; }

    /// <summary>Sequences longer than that: error, truncate, or window (cut in windows whose logits are averaged).</summary>
    public TooLong TooLong { get; init; } = TooLong.Error;

    /// <summary>Passes over the training rows.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>End after this many optimizer steps; 0: after the epochs.</summary>
    public long MaxSteps { get; init; }

    /// <summary>Rows of an optimizer step.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Rows of one forward and backward pass; 0: as many as a step has.</summary>
    public int MicroBatchSize { get; init; }

    /// <summary>Largest learning rate.</summary>
    public double LearningRate { get; init; } = 0.001;

    /// <summary>Largest learning rate of the head; 0: the same.</summary>
    public double HeadLearningRate { get; init; }

    /// <summary>Learning rate at the end of the cosine.</summary>
    public double MinLearningRate { get; init; } = 0.0001;

    /// <summary>Share of the steps that warms up.</summary>
    public double WarmupShare { get; init; } = 0.05;

    /// <summary>The rate of each layer is that of the layer above times this; the embedding is the lowest.</summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>Gradual unfreezing: the head trains alone for so many epochs, and each further layer from the top joins after as many more; 0: all from the start.</summary>
    public int UnfreezeEvery { get; init; }

    /// <summary>So many layers at the top, and the last norm, begin with fresh weights instead of the checkpoint's (Zhang et al. 2021, arXiv 2006.05987); 0: none.</summary>
    public int FreshLayers { get; init; }

    /// <summary>
    /// The last norm begins with ones: a model that learnt to predict bases has scaled its channels for the embedding that it reads them off by, to a small
    /// part of their size, which a new head need not start from.
    /// </summary>
    public bool FreshNorm { get; init; }

    /// <summary>Share of fresh weights mixed into all of the checkpoint's: shrunk and perturbed they learn a new task as fresh ones do (Ash and Adams 2020, arXiv 1910.08475); 0: none.</summary>
    public double FreshShare { get; init; }

    /// <summary>
    /// Steps in which the model first learns the training rows without their labels, by predicting hidden bases (15 in 100), a causal model the next one
    /// (Gururangan et al. 2020, arXiv 2004.10964); 0: none.
    /// </summary>
    public long AdaptSteps { get; init; }

    /// <summary>Largest learning rate of these steps; 0: `learning_rate`.</summary>
    public double AdaptLearningRate { get; init; }

    /// <summary>
    /// The loss of predicting the bases that `mask_rate` hides, a causal model each next one, times this is added to that of the labels
    /// (Radford et al. 2018); 0: labels alone.
    /// </summary>
    public double LanguageWeight { get; init; }

    /// <summary>
    /// Validation and test judge a moving average of the trained weights, of which each step leaves this share (0.99: the last hundred steps count), and the
    /// checkpoint has it; 0: the weights as the steps leave them.
    /// </summary>
    public double AverageDecay { get; init; }

    /// <summary>
    /// So many times a seed's training starts from the same weights, the head's too, with the rows in other orders and other bases hidden; the mean of the best
    /// weights of all is kept (Wortsman et al. 2022, arXiv 2203.05482), or the best where the mean is worse in validation than they are on average; 1: once.
    /// </summary>
    public int Soup { get; init; } = 1;

    /// <summary>Rank of the changes in mode lora.</summary>
    public int LoraRank { get; init; } = 4;

    /// <summary>The changes are multiplied by this over the rank.</summary>
    public double LoraAlpha { get; init; } = 8;

    /// <summary>Decoupled weight decay of matrices.</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>AdamW's first decay rate.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's second decay rate.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>AdamW's epsilon.</summary>
    public double Eps { get; init; } = 1e-8;

    /// <summary>Largest global gradient norm; 0: no clipping.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>fp32, or bf16: matrix products of the model in bfloat16; head and loss are in single precision always.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>none, or balanced: rows weigh inversely to their class's share of training.</summary>
    public ClassWeights ClassWeights { get; init; } = ClassWeights.None;

    /// <summary>Share of each training class that validates, where the set has no validation part.</summary>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>Chooses those rows; the same for all `seeds`.</summary>
    public long SplitSeed { get; init; } = 42;

    /// <summary>
    /// Metric of validation that chooses the epoch: loss, or one that the task has (such as mcc, accuracy, f1_macro and auroc of
    /// classes, pearson, spearman, r2 and mse of numbers); auto: mcc, or pearson of numbers.
    /// </summary>
    public string SelectBy { get; init; } = "auto";

    /// <summary>End after this many validations without a new best; 0: never.</summary>
    public int Patience { get; init; }

    /// <summary>Steps between two validations; 0: after each epoch.</summary>
    public long ValidateEvery { get; init; }

    /// <summary>
    /// Beside each metric of validation and test the mean over batches of so many rows, as the published tables of HyenaDNA and
    /// Caduceus have it (accuracy, F1 and MCC of classes); 0: none.
    /// </summary>
    public int UpstreamBatchSize { get; init; }

    /// <summary>Steps between two lines of metrics.</summary>
    public long LogEvery { get; init; } = 10;

    /// <summary>Rows of one forward and backward pass.</summary>
    internal int PassRows => MicroBatchSize > 0 ? Math.Min(MicroBatchSize, BatchSize) : BatchSize;

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (HeadHidden < 0) yield return $"head_hidden: must be 0 or positive, not {HeadHidden}";
        if (HeadHidden > 0 && Head != HeadKind.Mlp) yield return "head_hidden: a linear head has no hidden layer; use head=mlp";
        if (MaxLength < 0) yield return $"max_length: must be 0 or positive, not {MaxLength}";
        if (Epochs < 1) yield return $"epochs: must be at least 1, not {Epochs}";
        if (MaxSteps < 0) yield return $"max_steps: must be 0 or positive, not {MaxSteps}";
        if (BatchSize < 1) yield return $"batch_size: must be at least 1, not {BatchSize}";
        if (MicroBatchSize < 0) yield return $"micro_batch_size: must be 0 or positive, not {MicroBatchSize}";
        if (!(LearningRate > 0)) yield return $"learning_rate: must be positive, not {LearningRate}";
        if (!(HeadLearningRate >= 0)) yield return $"head_learning_rate: must be 0 or positive, not {HeadLearningRate}";
        if (!(MinLearningRate >= 0 && MinLearningRate <= LearningRate)) yield return $"min_learning_rate: must be from 0 to learning_rate, not {MinLearningRate}";
        if (WarmupShare is not (>= 0 and <= 1)) yield return $"warmup_share: must be from 0 to 1, not {WarmupShare}";
        if (LayerDecay is not (> 0 and <= 1)) yield return $"layer_decay: must be above 0 and at most 1, not {LayerDecay}";
        if (UnfreezeEvery < 0) yield return $"unfreeze_every: must be 0 or positive, not {UnfreezeEvery}";
        if (Mode is TuningMode.Probe or TuningMode.Lora && LayerDecay != 1) yield return "layer_decay: belongs to the modes full and scratch";
        if (Mode is TuningMode.Probe or TuningMode.Lora && UnfreezeEvery > 0) yield return "unfreeze_every: belongs to the modes full and scratch";
        if (FreshLayers < 0) yield return $"fresh_layers: must be 0 or positive, not {FreshLayers}";
        if (Mode != TuningMode.Full && FreshLayers > 0) yield return "fresh_layers: belongs to the mode full";
        if (Mode == TuningMode.Scratch && FreshNorm) yield return "fresh_norm: the mode scratch has fresh weights throughout";
        if (FreshShare is not (>= 0 and < 1)) yield return $"fresh_share: must be in [0, 1), not {FreshShare}";
        if (Mode != TuningMode.Full && FreshShare > 0) yield return "fresh_share: belongs to the mode full";
        if (MaskRate is not (>= 0 and < 1)) yield return $"mask_rate: must be in [0, 1), not {MaskRate}";
        if (Mode == TuningMode.Probe && MaskRate > 0) yield return "mask_rate: the mode probe computes embeddings once, so nothing can be hidden anew in each epoch";
        if (AdaptSteps < 0) yield return $"adapt_steps: must be 0 or positive, not {AdaptSteps}";
        if (Mode is TuningMode.Lora or TuningMode.Probe && AdaptSteps > 0) yield return "adapt_steps: changes all weights, and the modes lora and probe few or none; use another mode";
        if (!(AdaptLearningRate >= 0 && double.IsFinite(AdaptLearningRate))) yield return $"adapt_learning_rate: must be 0 or positive, not {AdaptLearningRate}";
        if (AdaptSteps == 0 && AdaptLearningRate > 0) yield return "adapt_learning_rate: there are no such steps; set adapt_steps";
        if (!(LanguageWeight >= 0 && double.IsFinite(LanguageWeight))) yield return $"language_weight: must be 0 or positive, not {LanguageWeight}";
        if (Mode == TuningMode.Probe && LanguageWeight > 0) yield return "language_weight: the mode probe trains the head alone";
        if (AverageDecay is not (>= 0 and < 1)) yield return $"average_decay: must be in [0, 1), not {AverageDecay}";
        if (Soup is < 1 or > MaxSoup) yield return $"soup: must be from 1 to {MaxSoup}, not {Soup}";
        if (Mode == TuningMode.Probe && Soup > 1) yield return "soup: the mode probe trains the head alone, whose best weights do not depend on the order of rows; use another mode";
        if (LoraRank < 1) yield return $"lora_rank: must be at least 1, not {LoraRank}";
        if (!(LoraAlpha > 0)) yield return $"lora_alpha: must be positive, not {LoraAlpha}";
        if (!(WeightDecay >= 0)) yield return $"weight_decay: must not be negative, not {WeightDecay}";
        if (Beta1 is not (>= 0 and < 1)) yield return $"beta1: must be in [0, 1), not {Beta1}";
        if (Beta2 is not (>= 0 and < 1)) yield return $"beta2: must be in [0, 1), not {Beta2}";
        if (!(Eps > 0)) yield return $"eps: must be positive, not {Eps}";
        if (!(ClipNorm >= 0)) yield return $"clip_norm: must not be negative, not {ClipNorm}";
        if (ValidationFraction is not (> 0 and < 1)) yield return $"validation_fraction: must be above 0 and below 1, not {ValidationFraction}";
        if (Patience < 0) yield return $"patience: must not be negative, not {Patience}";
        if (ValidateEvery < 0) yield return $"validate_every: must not be negative, not {ValidateEvery}";
        if (UpstreamBatchSize < 0) yield return $"upstream_batch_size: must be 0 or positive, not {UpstreamBatchSize}";
        if (LogEvery < 1) yield return $"log_every: must be at least 1, not {LogEvery}";
        if (Mode == TuningMode.Probe && (Pooling is Pooling.Attention or Pooling.Position))
        {
            yield return "pooling: attention and position are trained, and the mode probe computes embeddings once; use mean, max or last, or another mode";
        }

        if (Pooling == Pooling.Parity && TooLong == TooLong.Window) yield return "too_long: parity pooling has one row a sequence; use truncate or error";
        if (TooLong == TooLong.Window && MaxLength == 0) yield return "max_length: windows need a length";
    }
}
