using System.Globalization;
using GenoSeq.Torch.IO;

namespace GenoSeq.Training.Evaluation.Metrics.Plots;

/// <summary>The plots of a run folder.</summary>
public static class EvaluationPlots
{
    /// <summary>
    /// Writes <c>confusion.svg</c>, <c>roc.svg</c>, <c>pr.svg</c> and <c>calibration.svg</c>, each whole or not at all. Nothing is
    /// written for predictions without examples.
    /// </summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="name">What the titles call the model and the split.</param>
    /// <param name="predictions">The predictions.</param>
    /// <exception cref="ArgumentException">The predictions are invalid.</exception>
    /// <exception cref="IOException">A file could not be written.</exception>
    public static void Write(string folder, string name, ClassPredictions predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        predictions.ThrowIfInvalid();
        if (predictions.Examples == 0)
        {
            return;
        }

        Save(folder, "confusion.svg", ConfusionChart.ToSvg($"Confusion matrix: {name}", predictions.Confusion(), predictions.ClassNames));
        Save(folder, "roc.svg", Roc(name, predictions).ToSvg());
        Save(folder, "pr.svg", PrecisionRecall(name, predictions).ToSvg());
        Save(folder, "calibration.svg", Calibration(name, predictions).ToSvg());
    }

    /// <summary>Writes <c>learning.svg</c>: loss or metric against steps or epochs.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="name">What the title calls the run.</param>
    /// <param name="xLabel">What is counted, such as <c>epoch</c>.</param>
    /// <param name="yLabel">What is drawn, such as <c>loss</c>.</param>
    /// <param name="series">The curves.</param>
    /// <param name="fileName">Name of the file.</param>
    /// <exception cref="IOException">The file could not be written.</exception>
    public static void WriteLearning(string folder, string name, string xLabel, string yLabel, IReadOnlyList<ChartSeries> series,
        string fileName = "learning.svg") =>
        Save(folder, fileName, new LineChart($"Learning curve: {name}", xLabel, yLabel, series).ToSvg());

    /// <summary>The ROC curve of the positive class, or of each class against the rest; classes without one are left out.</summary>
    public static LineChart Roc(string name, ClassPredictions predictions) => new($"ROC: {name}", "false positive rate",
        "true positive rate", Curves(predictions, precision: false)) { UnitSquare = true, Diagonal = "chance" };

    /// <summary>The precision-recall curve of the positive class, or of each class against the rest.</summary>
    public static LineChart PrecisionRecall(string name, ClassPredictions predictions) => new($"Precision and recall: {name}",
        "recall", "precision", Curves(predictions, precision: true)) { UnitSquare = true };

    /// <summary>The calibration curve; see <see cref="ClassPredictions.CalibrationCurve"/>.</summary>
    public static LineChart Calibration(string name, ClassPredictions predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        (double, double)[] points =
            [.. predictions.CalibrationCurve().Where(b => b.Count > 0).Select(b => (b.MeanConfidence, b.Frequency))];
        string what = predictions.Classes == 2 ? "positive class" : "predicted class";
        return new LineChart($"Calibration: {name}", $"probability of the {what}", "observed frequency",
            [new ChartSeries(what, points) { Markers = true }]) { UnitSquare = true, Diagonal = "perfect" };
    }

    private static List<ChartSeries> Curves(ClassPredictions predictions, bool precision)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var series = new List<ChartSeries>();
        for (int c = predictions.Classes == 2 ? 1 : 0; c < predictions.Classes; c++)
        {
            SortedScores scores = predictions.Scores(c);
            MetricValue area = new RankingMetric("area", scores, precision).Evaluate();
            if (!area.IsDefined)
            {
                continue;
            }

            string name = predictions.ClassNames?[c] ?? c.ToString(CultureInfo.InvariantCulture);
            List<(long TruePositives, long FalsePositives)> thresholds = scores.Thresholds();
            series.Add(new ChartSeries(string.Create(CultureInfo.InvariantCulture, $"{name} ({(precision ? "AP" : "area")} {area.Value:0.000})"),
                precision ? PrecisionRecallPoints(thresholds) : RocPoints(thresholds)));
        }

        return series;
    }

    private static (double, double)[] RocPoints(List<(long TruePositives, long FalsePositives)> thresholds)
    {
        (double positives, double negatives) = thresholds[^1];
        return [.. thresholds.Select(t => (t.FalsePositives / negatives, t.TruePositives / positives))];
    }

    // At recall 0 precision is 0 / 0; the curve begins at the precision of the highest threshold. Between thresholds it is a step,
    // as average precision sums it: a straight line would promise values that no threshold reaches.
    private static List<(double, double)> PrecisionRecallPoints(List<(long TruePositives, long FalsePositives)> thresholds)
    {
        double positives = thresholds[^1].TruePositives;
        var points = new List<(double, double)>();
        double recall = 0;
        foreach ((long tp, long fp) in thresholds.Skip(1))
        {
            double precision = (double)tp / (tp + fp);
            points.Add((recall, precision));
            points.Add((recall = tp / positives, precision));
        }

        return points;
    }

    private static void Save(string folder, string name, string svg) => AtomicFile.WriteAllText(Path.Combine(folder, name), svg);
}
