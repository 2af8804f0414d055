using GenoSeq.Data;
using GenoSeq.Training.Evaluation.Metrics;

namespace GenoSeq.Training.FineTuning;

/// <summary>A part of a set with what a model says of it.</summary>
/// <param name="Rows">Rows of the set.</param>
/// <param name="Outputs">[rows][outputs]: probabilities, or targets in their own units.</param>
/// <param name="Loss">Mean loss over the rows, without weights.</param>
/// <param name="Metrics">Metrics over all rows.</param>
public sealed record TaskScores(IReadOnlyList<int> Rows, IReadOnlyList<double[]> Outputs, double Loss, MetricSet Metrics)
{
    /// <summary>Judges the raw outputs of rows.</summary>
    internal static TaskScores Of(LabelledSet set, TaskDescription task, int[] rows, double[][] raw, MetricSetOptions? options)
    {
        if (task.Kind == TaskKind.PerBase)
        {
            double[][] p = Array.ConvertAll(raw, r => BaseScores.Probabilities(task, r));
            return new TaskScores(rows, p, BaseScores.Loss(set, task, rows, raw), MetricSet.Of(PredictionsOf(set, task, rows, p), options));
        }

        double loss = 0;
        var outputs = new double[rows.Length][];
        for (int i = 0; i < rows.Length; i++)
        {
            outputs[i] = TaskOutputs.Of(task, raw[i]);
            loss += LossOf(set, task, rows[i], raw[i]);
        }

        return new TaskScores(rows, outputs, loss / rows.Length, MetricSet.Of(PredictionsOf(set, task, rows, outputs), options));
    }

    /// <summary>Names of the metrics that a task has, the loss first.</summary>
    internal static IEnumerable<string> NamesOf(LabelledSet set, TaskDescription task, int[] rows)
    {
        if (task.Kind == TaskKind.PerBase)
        {
            // Names do not depend on the bases.
            int n = task.Head.Outputs;
            return new BasePredictions(new ClassPredictions(n, [0, 1], [.. Enumerable.Repeat(1.0 / n, 2 * n)])).Metrics().Select(m => m.Name).Prepend("loss");
        }

        double[] none = TaskOutputs.Of(task, new double[task.Head.Outputs]);
        return PredictionsOf(set, task, rows, [.. rows.Select(_ => none)]).Metrics().Select(m => m.Name).Prepend("loss");
    }

    /// <summary>A metric by name; minus infinity, or infinity of what is to be small, where it is undefined.</summary>
    internal double ValueOf(string metric)
    {
        double? value = metric == "loss" ? Loss : Metrics.Value(metric);
        return value is { } v && double.IsFinite(v) ? v : SmallIsGood(metric) ? double.PositiveInfinity : double.NegativeInfinity;
    }

    /// <summary>Whether these are better by a metric; among equal values of a coarse one the smaller loss decides.</summary>
    internal bool IsBetterThan(TaskScores other, string metric)
    {
        (double a, double b) = (ValueOf(metric), other.ValueOf(metric));
        return a == b ? Loss < other.Loss : a < b == SmallIsGood(metric);
    }

    /// <summary>What a metric that is undefined counts as in a mean over runs: a correlation with the same answer for all rows 0, as in the tables; null: nothing.</summary>
    internal static double? WhereUndefined(string metric) => SmallIsGood(metric) ? null : 0;

    internal static bool SmallIsGood(string metric) => metric is "loss" or "log_loss" or "brier" or "ece" or "mse";

    /// <summary>Outputs with the truth, as metrics and plots take them.</summary>
    internal static Predictions PredictionsOf(LabelledSet set, TaskDescription task, IReadOnlyList<int> rows, IReadOnlyList<double[]> outputs)
    {
        if (task.Kind == TaskKind.PerBase)
        {
            return BaseScores.Predictions(set, task, rows, outputs);
        }

        int n = task.Head.Outputs;
        double[] flat = [.. outputs.SelectMany(o => o)];
        if (task.Kind == TaskKind.Class)
        {
            return new ClassPredictions(n, [.. rows.Select(set.GetClass)], flat) { ClassNames = task.LabelNames };
        }

        double[] truth = [.. rows.SelectMany(r => set.GetValues(r).ToArray()).Select(v => (double)v)];
        return task.Kind == TaskKind.MultiLabel
            ? new MultiLabelPredictions(n, Array.ConvertAll(truth, v => v != 0), flat) { LabelNames = task.LabelNames }
            : new RegressionPredictions(n, truth, flat) { TargetNames = task.LabelNames };
    }

    private static double LossOf(LabelledSet set, TaskDescription task, int row, double[] raw)
    {
        if (task.Kind == TaskKind.Class)
        {
            double max = raw.Max();
            return max + Math.Log(raw.Sum(x => Math.Exp(x - max))) - raw[set.GetClass(row)];
        }

        ReadOnlySpan<float> truth = set.GetValues(row);
        double sum = 0;
        for (int o = 0; o < raw.Length; o++)
        {
            sum += task.Kind == TaskKind.MultiLabel
                ? Math.Max(raw[o], 0) + Math.Log(1 + Math.Exp(-Math.Abs(raw[o]))) - (raw[o] * truth[o])
                : Math.Pow(raw[o] - ((truth[o] - task.Mean[o]) / task.Scale[o]), 2);
        }

        return sum / raw.Length;
    }
}
