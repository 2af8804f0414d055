namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>Predicted classes of all bases of a split: judged together as a classification, and each class against the rest.</summary>
/// <param name="Bases">The bases, row after row.</param>
public sealed record BasePredictions(ClassPredictions Bases) : Predictions
{
    /// <inheritdoc/>
    public override string Task => "per_base";

    /// <summary>Number of bases.</summary>
    public override int Examples => Bases.Examples;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Strata => Bases.Labels;

    /// <summary>Those of the classification of bases.</summary>
    public override IReadOnlyList<IMetric> Metrics() => Bases.Metrics();

    /// <summary>Of each class F1, MCC, AUROC and AUPRC against the rest.</summary>
    public override IReadOnlyList<(string Name, IReadOnlyList<IMetric> Metrics)> Parts()
    {
        int[] predicted = Bases.Predicted();
        return [.. Enumerable.Range(0, Bases.Classes).Select(c => (Bases.ClassNames?[c] ?? FormattableString.Invariant($"{c}"), OfClass(c, predicted)))];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Validate() => Bases.Validate();

    private IReadOnlyList<IMetric> OfClass(int c, int[] predicted)
    {
        int[] labels = Array.ConvertAll(Bases.Labels, l => l == c ? 1 : 0);
        int[] said = Array.ConvertAll(predicted, p => p == c ? 1 : 0);
        SortedScores scores = Bases.Scores(c);
        return
        [
            new ConfusionMetric("f1", 2, labels, said, m => m.F1(1)), new ConfusionMetric("mcc", 2, labels, said, m => m.Mcc()),
            new RankingMetric("auroc", scores, precision: false), new RankingMetric("auprc", scores, precision: true),
        ];
    }
}
