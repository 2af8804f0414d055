using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>How models are tuned. Several learning rates or batch sizes are a sweep, decided by validation alone.</summary>
public sealed record SuiteRecipeConfig : IValidated
{
    internal static readonly string[] Poolings = ["mean", "max", "last", "attention", "parity"];

    /// <summary>Its name, as models refer to it.</summary>
    public string Name { get; init; } = "";

    /// <summary>Who published it, and where.</summary>
    public string Source { get; init; } = "";

    /// <summary>Largest learning rates to try.</summary>
    public IReadOnlyList<double> LearningRates { get; init; } = [1e-3];

    /// <summary>The learning rate of a task whose best one is published: no others are tried.</summary>
    public IReadOnlyDictionary<string, double> TaskLearningRates { get; init; } = new Dictionary<string, double>();

    /// <summary>Rows of an optimizer step to try.</summary>
    public IReadOnlyList<int> BatchSizes { get; init; } = [128];

    /// <summary>Passes over the training rows.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Decoupled weight decay of matrices.</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>AdamW's first decay rate.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's second decay rate.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Share of the steps that warms up.</summary>
    public double WarmupShare { get; init; } = 0.01;

    /// <summary>Learning rate at the end of the cosine, as a share of the largest.</summary>
    public double FinalShare { get; init; } = 0.1;

    /// <summary>Largest global gradient norm; 0: no clipping.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>How states become one vector: mean, max, last, attention or parity (mean, padding included).</summary>
    public string Pooling { get; init; } = "mean";

    /// <summary>Training rows are read from the other strand with probability one half.</summary>
    public bool RcAugment { get; init; }

    /// <summary>Outputs of validation and test are averaged over both strands.</summary>
    public bool RcAverage { get; init; }

    /// <summary>Share of the training rows that validates, where the task has no validation part.</summary>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>Metric of validation that chooses epoch, learning rate and batch size; empty: the task's.</summary>
    public string SelectBy { get; init; } = "";

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
        if (LearningRates.Count == 0) yield return "learning_rates: name at least one";
        if (LearningRates.Concat(TaskLearningRates.Values).Any(r => !(r > 0 && double.IsFinite(r)))) yield return "learning_rates: must be positive";
        if (BatchSizes.Count == 0 || BatchSizes.Any(b => b < 1)) yield return "batch_sizes: name at least one, all positive";
        if (Epochs < 1) yield return $"epochs: must be at least 1, not {Epochs}";
        if (!(WeightDecay >= 0)) yield return $"weight_decay: must not be negative, not {WeightDecay}";
        if (Beta1 is not (>= 0 and < 1)) yield return $"beta1: must be in [0, 1), not {Beta1}";
        if (Beta2 is not (>= 0 and < 1)) yield return $"beta2: must be in [0, 1), not {Beta2}";
        if (WarmupShare is not (>= 0 and <= 1)) yield return $"warmup_share: must be from 0 to 1, not {WarmupShare}";
        if (FinalShare is not (>= 0 and <= 1)) yield return $"final_share: must be from 0 to 1, not {FinalShare}";
        if (!(ClipNorm >= 0)) yield return $"clip_norm: must not be negative, not {ClipNorm}";
        if (!Poolings.Contains(Pooling)) yield return $"pooling: must be one of {string.Join(", ", Poolings)}, not '{Pooling}'";
        if (ValidationFraction is not (> 0 and < 1)) yield return $"validation_fraction: must be above 0 and below 1, not {ValidationFraction}";
        if (SelectBy.Length > 0 && SelectBy != "loss" && !SuiteMetrics.Names.Contains(SelectBy)) yield return $"select_by: must be loss or one of {string.Join(", ", SuiteMetrics.Names)}, not '{SelectBy}'";
    }

    /// <summary>The learning rates to try on a task.</summary>
    public IReadOnlyList<double> LearningRatesOf(string task) => TaskLearningRates.TryGetValue(task, out double best) ? [best] : LearningRates;
}
