namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>Predictions of one class of several for each example; two classes are a binary task, class 1 the positive one.</summary>
/// <param name="Classes">Number of classes, at least 2.</param>
/// <param name="Labels">True classes [examples].</param>
/// <param name="Probabilities">Probabilities [examples, classes], row by row; rows add up to one.</param>
public sealed record ClassPredictions(int Classes, int[] Labels, double[] Probabilities) : Predictions
{
    private const double SumTolerance = 1e-3;

    /// <summary>Names of the classes, for plots; null: their numbers.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>Bins of the expected calibration error.</summary>
    public int CalibrationBins { get; init; } = 15;

    /// <inheritdoc/>
    public override string Task => Classes == 2 ? "binary" : "multi_class";

    /// <inheritdoc/>
    public override int Examples => Labels.Length;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Strata => Labels;

    /// <summary>Softmax of logits, in double precision.</summary>
    /// <param name="classes">Number of classes.</param>
    /// <param name="labels">True classes [examples].</param>
    /// <param name="logits">Logits [examples, classes].</param>
    public static ClassPredictions FromLogits(int classes, int[] labels, ReadOnlySpan<float> logits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        double[] p = new double[logits.Length];
        for (int row = 0; row + classes <= p.Length; row += classes)
        {
            double max = double.NegativeInfinity;
            for (int c = 0; c < classes; c++)
            {
                max = Math.Max(max, logits[row + c]);
            }

            double sum = 0;
            for (int c = 0; c < classes; c++)
            {
                sum += p[row + c] = Math.Exp(logits[row + c] - max);
            }

            for (int c = 0; c < classes; c++)
            {
                p[row + c] /= sum;
            }
        }

        return new ClassPredictions(classes, labels, p);
    }

    /// <summary>The class of the largest probability [examples]; the first of equal ones.</summary>
    public int[] Predicted()
    {
        int[] predicted = new int[Labels.Length];
        for (int i = 0; i < predicted.Length; i++)
        {
            ReadOnlySpan<double> row = Probabilities.AsSpan(i * Classes, Classes);
            for (int c = 1; c < Classes; c++)
            {
                if (row[c] > row[predicted[i]])
                {
                    predicted[i] = c;
                }
            }
        }

        return predicted;
    }

    /// <summary>The confusion matrix of the whole split.</summary>
    public ConfusionMatrix Confusion() => ConfusionMatrix.Of(Classes, Labels, Predicted());

    /// <summary>
    /// The calibration curve: of the positive class where there are two, else of the predicted class (confidence against accuracy).
    /// </summary>
    /// <param name="bins">Number of bins.</param>
    public IReadOnlyList<CalibrationBin> CalibrationCurve(int bins = 10)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bins);
        return Classes == 2
            ? new Calibration(Column(Probabilities, 2, 1), [.. Labels.Select(l => l == 1)], bins).Bins()
            : Confidence(Predicted(), bins).Bins();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IMetric> Metrics()
    {
        int[] predicted = Predicted();
        var metrics = new List<IMetric> { Confused("accuracy", predicted, m => m.Accuracy()) };
        if (Classes == 2)
        {
            metrics.Add(Confused("f1", predicted, m => m.F1(1)));
        }

        metrics.Add(Confused("f1_macro", predicted, m => m.F1Macro()));
        metrics.Add(Confused("mcc", predicted, m => m.Mcc()));
        int first = Classes == 2 ? 1 : 0;
        SortedScores[] scores = [.. Enumerable.Range(first, Classes - first).Select(Scores)];
        foreach ((string name, bool precision) in new[] { ("auroc", false), ("auprc", true) })
        {
            IMetric[] parts = [.. scores.Select(s => new RankingMetric(name, s, precision))];
            metrics.Add(parts.Length == 1 ? parts[0] : new MacroMetric(name, parts, all: true));
        }

        metrics.Add(new MeanMetric("log_loss", PerExample(ProbabilityScores.LogLoss)));
        metrics.Add(new MeanMetric("brier", PerExample(ProbabilityScores.Brier)));
        metrics.Add(Confidence(predicted, CalibrationBins));
        return metrics;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Validate()
    {
        if (Classes < 2)
        {
            return [FormattableString.Invariant($"there is {Classes} class; expected two or more")];
        }

        var problems = new List<string>();
        if (Probabilities.Length != (long)Labels.Length * Classes)
        {
            problems.Add(FormattableString.Invariant(
                $"there are {Probabilities.Length} probabilities; expected {Labels.Length} examples times {Classes} classes"));
        }

        int bad = Array.FindIndex(Labels, l => l < 0 || l >= Classes);
        if (bad >= 0)
        {
            problems.Add(FormattableString.Invariant($"the label of example {bad} is {Labels[bad]}; expected 0 to {Classes - 1}"));
        }

        problems.AddRange(CheckProbabilities(Probabilities, Classes));
        problems.AddRange(CheckNames(ClassNames, Classes));
        if (CalibrationBins < 1)
        {
            problems.Add(FormattableString.Invariant($"CalibrationBins is {CalibrationBins}; it must be positive"));
        }

        if (problems.Count == 0)
        {
            bad = Array.FindIndex(PerExample((row, _) => Math.Abs(row.ToArray().Sum() - 1)), d => d > SumTolerance);
            if (bad >= 0)
            {
                problems.Add(FormattableString.Invariant($"the probabilities of example {bad} do not add up to 1"));
            }
        }

        return problems;
    }

    /// <summary>One class against the rest.</summary>
    internal SortedScores Scores(int positive) =>
        new(Column(Probabilities, Classes, positive), [.. Labels.Select(l => l == positive)]);

    private ConfusionMetric Confused(string name, int[] predicted, Func<ConfusionMatrix, MetricValue> value) =>
        new(name, Classes, Labels, predicted, value);

    private Calibration Confidence(int[] predicted, int bins) => new(
        [.. predicted.Select((c, i) => Probabilities[(i * Classes) + c])], [.. predicted.Select((c, i) => c == Labels[i])], bins);

    private double[] PerExample(ProbabilityScores.Score score)
    {
        double[] values = new double[Labels.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = score(Probabilities.AsSpan(i * Classes, Classes), Labels[i]);
        }

        return values;
    }
}
