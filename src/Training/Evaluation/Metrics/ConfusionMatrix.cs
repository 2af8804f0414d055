namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>Counts of (label, predicted class), and the metrics that need nothing else.</summary>
public sealed class ConfusionMatrix
{
    private readonly long[] _cells;

    /// <summary>An empty matrix.</summary>
    /// <param name="classes">Number of classes, at least 2.</param>
    public ConfusionMatrix(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        Classes = classes;
        _cells = new long[classes * classes];
    }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Number of examples counted.</summary>
    public long Total => _cells.Sum();

    /// <summary>How often examples of class <paramref name="label"/> were called <paramref name="predicted"/>.</summary>
    public long this[int label, int predicted] => _cells[(label * Classes) + predicted];

    /// <summary>Counts labels and predictions.</summary>
    /// <param name="classes">Number of classes.</param>
    /// <param name="labels">Labels, 0 to classes − 1.</param>
    /// <param name="predicted">As many predicted classes.</param>
    public static ConfusionMatrix Of(int classes, ReadOnlySpan<int> labels, ReadOnlySpan<int> predicted)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(predicted.Length, labels.Length);
        var matrix = new ConfusionMatrix(classes);
        for (int i = 0; i < labels.Length; i++)
        {
            matrix.Add((labels[i] * classes) + predicted[i], 1);
        }

        return matrix;
    }

    /// <summary>Examples of a class.</summary>
    public long Labelled(int c) => _cells.AsSpan(c * Classes, Classes).ToArray().Sum();

    /// <summary>Predictions of a class.</summary>
    public long Predicted(int c)
    {
        long sum = 0;
        for (int label = 0; label < Classes; label++)
        {
            sum += this[label, c];
        }

        return sum;
    }

    /// <summary>Share of examples on the diagonal.</summary>
    public MetricValue Accuracy() => Total == 0 ? NoExamples : MetricValue.Of((double)Diagonal() / Total);

    /// <summary>F1 = 2 TP / (2 TP + FP + FN) of one class.</summary>
    /// <returns>Undefined where the class is neither a label nor a prediction.</returns>
    public MetricValue F1(int positive)
    {
        long sum = Labelled(positive) + Predicted(positive);
        return sum == 0
            ? MetricValue.Undefined($"class {positive} occurs neither in labels nor in predictions")
            : MetricValue.Of(2.0 * this[positive, positive] / sum);
    }

    /// <summary>Mean F1 over the classes that occur as label or as prediction (scikit-learn's <c>average="macro"</c>).</summary>
    public MetricValue F1Macro()
    {
        double sum = 0;
        int defined = 0;
        for (int c = 0; c < Classes; c++)
        {
            MetricValue f1 = F1(c);
            if (f1.IsDefined)
            {
                sum += f1.Value;
                defined++;
            }
        }

        return defined == 0 ? NoExamples : MetricValue.Of(sum / defined);
    }

    /// <summary>Matthews' correlation coefficient in the form for any number of classes.</summary>
    /// <remarks>
    /// Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", Computational Biology and
    /// Chemistry 28, 2004. With two classes it is Matthews' of 1975.
    /// </remarks>
    /// <returns>Undefined where all labels or all predictions are one class: the correlation is 0 / 0.</returns>
    public MetricValue Mcc()
    {
        double total = Total;
        if (total == 0)
        {
            return NoExamples;
        }

        double both = 0;
        double labels = 0;
        double predictions = 0;
        for (int c = 0; c < Classes; c++)
        {
            double t = Labelled(c);
            double p = Predicted(c);
            both += t * p;
            labels += t * t;
            predictions += p * p;
        }

        double labelSpread = (total * total) - labels;
        double predictionSpread = (total * total) - predictions;
        if (labelSpread == 0)
        {
            return MetricValue.Undefined("all labels are one class");
        }

        return predictionSpread == 0
            ? MetricValue.Undefined("all predictions are one class")
            : MetricValue.Of(((Diagonal() * total) - both) / Math.Sqrt(labelSpread * predictionSpread));
    }

    internal static MetricValue NoExamples => MetricValue.Undefined("there are no examples");

    internal void Add(int cell, int count) => _cells[cell] += count;

    private long Diagonal()
    {
        long sum = 0;
        for (int c = 0; c < Classes; c++)
        {
            sum += this[c, c];
        }

        return sum;
    }
}
