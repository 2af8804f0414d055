using GenoSeq.Data;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Evaluation.Metrics.Plots;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.FineTuning;

/// <summary>The plots of a seed's folder.</summary>
internal static class FineTunePlots
{
    /// <summary>
    /// Writes <c>learning.svg</c> (losses), <c>learning_metric.svg</c> (the metric that chooses) and, of classes, <c>confusion.svg</c>,
    /// <c>roc.svg</c>, <c>pr.svg</c> and <c>calibration.svg</c>.
    /// </summary>
    internal static void Write(SeedFolder folder, LabelledSet set, TaskDescription task, TaskScores judged, LabelledPart part, string metric)
    {
        string name = FormattableString.Invariant($"{set.Name}, seed {folder.Seed}");
        Predictions predictions = TaskScores.PredictionsOf(set, task, judged.Rows, judged.Outputs);
        if (((predictions as BasePredictions)?.Bases ?? predictions as ClassPredictions) is { } classes)
        {
            EvaluationPlots.Write(folder[""], $"{name}, {LabelledTask.NameOf(part)}", classes);
        }

        Learning(folder, name, metric);
    }

    private static void Learning(SeedFolder folder, string name, string metric)
    {
        IReadOnlyList<MetricsLine> lines = MetricsReader.Read(folder.Metrics);
        EvaluationPlots.WriteLearning(folder[""], name, "step", "loss", [Curve("training", "train/loss"), Curve("validation", "val/loss")]);
        if (metric != "loss")
        {
            EvaluationPlots.WriteLearning(folder[""], name, "step", $"validation {metric}", [Curve(metric, $"val/{metric}")], "learning_metric.svg");
        }

        ChartSeries Curve(string title, string key) =>
            new(title, [.. lines.Where(l => l.Values.ContainsKey(key)).Select(l => ((double)l.Step, l.Values[key]))]);
    }
}
