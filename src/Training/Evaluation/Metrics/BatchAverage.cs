namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>How a metric is averaged over batches.</summary>
public sealed record BatchAverageOptions
{
    /// <summary>Examples of a batch, in the order of the split; the last batch may be smaller.</summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>Weigh a batch by its examples, as PyTorch Lightning's epoch mean does; false: all batches alike.</summary>
    public bool WeighByExamples { get; init; } = true;

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate() => BatchSize > 0
        ? []
        : [FormattableString.Invariant($"BatchSize is {BatchSize}; it must be positive")];
}

/// <summary>
/// The value that HyenaDNA's and Caduceus's published tables hold: the metric of each test batch by itself, averaged over the
/// batches. It depends on batch size and order; it stands beside the metric of the whole split for comparison only.
/// </summary>
/// <remarks>
/// A batch where the metric is undefined counts as 0, since that is what scikit-learn returns for F1 and MCC there. Macro F1 is taken
/// over the classes that the batch has as label or prediction.
/// </remarks>
public static class BatchAverage
{
    /// <summary>The averages by metric: accuracy, f1 (binary only), f1_macro and mcc; empty without examples.</summary>
    /// <param name="predictions">The predictions, in the order in which they were batched.</param>
    /// <param name="options">Batch size and weights.</param>
    /// <exception cref="ArgumentException">Predictions or options are invalid.</exception>
    public static IReadOnlyDictionary<string, double> Of(ClassPredictions predictions, BatchAverageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        options ??= new BatchAverageOptions();
        predictions.ThrowIfInvalid();
        if (options.Validate() is [string problem, ..])
        {
            throw new ArgumentException(problem, nameof(options));
        }

        int[] predicted = predictions.Predicted();
        var sums = new Dictionary<string, double>();
        double weights = 0;
        for (int first = 0; first < predicted.Length; first += options.BatchSize)
        {
            int count = Math.Min(options.BatchSize, predicted.Length - first);
            var batch = ConfusionMatrix.Of(predictions.Classes, predictions.Labels.AsSpan(first, count), predicted.AsSpan(first, count));
            double weight = options.WeighByExamples ? count : 1;
            weights += weight;
            Add("accuracy", batch.Accuracy());
            if (predictions.Classes == 2)
            {
                Add("f1", batch.F1(1));
            }

            Add("f1_macro", batch.F1Macro());
            Add("mcc", batch.Mcc());

            void Add(string name, MetricValue value) =>
                sums[name] = sums.GetValueOrDefault(name) + (value.IsDefined ? weight * value.Value : 0);
        }

        return sums.ToDictionary(s => s.Key, s => s.Value / weights);
    }
}
