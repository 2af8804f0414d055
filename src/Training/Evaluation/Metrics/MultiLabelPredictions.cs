namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>Predictions of any number of labels for each example, each present or absent by itself.</summary>
/// <param name="Labels">Number of labels, at least 1.</param>
/// <param name="Targets">Truth [examples, labels], row by row.</param>
/// <param name="Probabilities">Probabilities of presence [examples, labels].</param>
/// <remarks>
/// Each label is judged as a binary task. A macro value is the mean over the labels for which the metric is defined: a label that
/// never occurs in the split has no AUROC, and should not take the other labels' mean with it.
/// </remarks>
public sealed record MultiLabelPredictions(int Labels, bool[] Targets, double[] Probabilities) : Predictions
{
    /// <summary>Names of the labels; null: their numbers.</summary>
    public IReadOnlyList<string>? LabelNames { get; init; }

    /// <summary>Probability above which a label is called present.</summary>
    public double Threshold { get; init; } = 0.5;

    /// <inheritdoc/>
    public override string Task => "multi_label";

    /// <inheritdoc/>
    public override int Examples => Labels > 0 ? Targets.Length / Labels : 0;

    /// <summary>Sigmoid of logits, in double precision.</summary>
    /// <param name="labels">Number of labels.</param>
    /// <param name="targets">Truth [examples, labels].</param>
    /// <param name="logits">Logits [examples, labels].</param>
    public static MultiLabelPredictions FromLogits(int labels, bool[] targets, ReadOnlySpan<float> logits)
    {
        double[] p = new double[logits.Length];
        for (int i = 0; i < p.Length; i++)
        {
            p[i] = 1 / (1 + Math.Exp(-(double)logits[i]));
        }

        return new MultiLabelPredictions(labels, targets, p);
    }

    /// <summary>Macro values: accuracy, F1, MCC, AUROC, AUPRC, log loss and Brier score.</summary>
    public override IReadOnlyList<IMetric> Metrics()
    {
        IReadOnlyList<IMetric>[] parts = [.. Parts().Select(p => p.Metrics)];
        return [.. parts[0].Select((m, k) => new MacroMetric(m.Name, [.. parts.Select(p => p[k])], all: false))];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, IReadOnlyList<IMetric> Metrics)> Parts() =>
        [.. Enumerable.Range(0, Labels).Select(l => (LabelNames?[l] ?? FormattableString.Invariant($"{l}"), OfLabel(l)))];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Validate()
    {
        if (Labels < 1)
        {
            return [FormattableString.Invariant($"there are {Labels} labels; expected one or more")];
        }

        var problems = new List<string>(CheckShape("Targets", Targets.Length, Labels, $"a multiple of {Labels}"));
        if (Probabilities.Length != Targets.Length)
        {
            problems.Add(FormattableString.Invariant($"there are {Probabilities.Length} probabilities; expected {Targets.Length}"));
        }

        problems.AddRange(CheckProbabilities(Probabilities, Labels));
        problems.AddRange(CheckNames(LabelNames, Labels));
        if (!(Threshold >= 0 && Threshold <= 1))
        {
            problems.Add(FormattableString.Invariant($"Threshold is {Threshold}; expected 0 to 1"));
        }

        return problems;
    }

    private List<IMetric> OfLabel(int label)
    {
        double[] p = Column(Probabilities, Labels, label);
        bool[] truth = Column(Targets, Labels, label);
        int[] labels = [.. truth.Select(t => t ? 1 : 0)];
        int[] predicted = [.. p.Select(v => v > Threshold ? 1 : 0)];
        var scores = new SortedScores(p, truth);
        return
        [
            new ConfusionMetric("accuracy", 2, labels, predicted, m => m.Accuracy()),
            new ConfusionMetric("f1", 2, labels, predicted, m => m.F1(1)),
            new ConfusionMetric("mcc", 2, labels, predicted, m => m.Mcc()),
            new RankingMetric("auroc", scores, precision: false),
            new RankingMetric("auprc", scores, precision: true),
            new MeanMetric("log_loss", [.. p.Select((v, i) => ProbabilityScores.LogLoss([1 - v, v], labels[i]))]),
            new MeanMetric("brier", [.. p.Select((v, i) => ProbabilityScores.Brier([1 - v, v], labels[i]))]),
        ];
    }
}
