using GenoSeq.Data;
using GenoSeq.Training.Evaluation.Metrics;

namespace GenoSeq.Training.FineTuning;

/// <summary>Judges outputs of bases, and lists them.</summary>
internal static class BaseScores
{
    /// <summary>Probabilities of each base's classes from outputs [bases * classes]; NaN stays.</summary>
    internal static double[] Probabilities(TaskDescription task, double[] raw)
    {
        int classes = task.Head.Outputs;
        var p = new double[raw.Length];
        for (int at = 0; at < raw.Length; at += classes)
        {
            double max = raw.AsSpan(at, classes).ToArray().Max();
            double sum = 0;
            for (int c = at; c < at + classes; c++)
            {
                sum += p[c] = Math.Exp(raw[c] - max);
            }

            for (int c = at; c < at + classes; c++)
            {
                p[c] /= sum;
            }
        }

        return p;
    }

    /// <summary>Mean negative log-likelihood over the labelled bases of rows that were read.</summary>
    internal static double Loss(LabelledSet set, TaskDescription task, IReadOnlyList<int> rows, IReadOnlyList<double[]> raw)
    {
        int classes = task.Head.Outputs;
        (double sum, long count) = (0, 0);
        foreach ((int row, int at, int label) in Labelled(set, task, rows, raw))
        {
            ReadOnlySpan<double> scores = raw[row].AsSpan(at * classes, classes);
            double max = scores[0], rest = 0;
            foreach (double s in scores)
            {
                max = Math.Max(max, s);
            }

            foreach (double s in scores)
            {
                rest += Math.Exp(s - max);
            }

            sum += max + Math.Log(rest) - scores[label];
            count++;
        }

        return sum / count;
    }

    /// <summary>All labelled bases of rows that were read as predictions.</summary>
    internal static BasePredictions Predictions(LabelledSet set, TaskDescription task, IReadOnlyList<int> rows, IReadOnlyList<double[]> outputs)
    {
        int classes = task.Head.Outputs;
        var labels = new List<int>();
        var probabilities = new List<double>();
        foreach ((int row, int at, int label) in Labelled(set, task, rows, outputs))
        {
            labels.Add(label);
            probabilities.AddRange(outputs[row].AsSpan(at * classes, classes));
        }

        return new BasePredictions(new ClassPredictions(classes, [.. labels], [.. probabilities]) { ClassNames = task.LabelNames });
    }

    /// <summary>A line a base: <c>id position base [label] prediction p(NAME)...</c>; positions from 0, bases that were not read left out.</summary>
    internal static List<OutputColumn> Columns(LabelledSet set, TaskDescription task, IReadOnlyList<int> rows, IReadOnlyList<double[]> outputs, bool truth)
    {
        int classes = task.Head.Outputs;
        var at = new List<(int Row, int Base)>();
        for (int r = 0; r < rows.Count; r++)
        {
            for (int i = 0; i < set.GetLength(rows[r]); i++)
            {
                if (!double.IsNaN(outputs[r][i * classes]))
                {
                    at.Add((r, i));
                }
            }
        }

        var columns = new List<OutputColumn>
        {
            OutputColumn.Of("id", at.Select(a => set.GetId(rows[a.Row]))),
            OutputColumn.Of("position", at.Select(a => (long)a.Base)),
            OutputColumn.Of("base", at.Select(a => ((char)set.GetSequence(rows[a.Row])[a.Base]).ToString())),
        };
        if (truth)
        {
            int[][] labels = [.. rows.Select(r => LabelsOf(set, r))];
            columns.Add(OutputColumn.Of("label", at.Select(a => labels[a.Row][a.Base] is >= 0 and int label ? task.LabelNames[label] : ".")));
        }

        columns.Add(OutputColumn.Of("prediction", at.Select(a => task.LabelNames[Largest(outputs[a.Row].AsSpan(a.Base * classes, classes))])));
        for (int c = 0; c < classes; c++)
        {
            int output = c;
            columns.Add(OutputColumn.Of($"p({task.LabelNames[c]})", at.Select(a => outputs[a.Row][(a.Base * classes) + output])));
        }

        return columns;
    }

    private static IEnumerable<(int Row, int Base, int Label)> Labelled(LabelledSet set, TaskDescription task, IReadOnlyList<int> rows, IReadOnlyList<double[]> outputs)
    {
        for (int r = 0; r < rows.Count; r++)
        {
            int[] labels = LabelsOf(set, rows[r]);
            for (int i = 0; i < labels.Length; i++)
            {
                if (labels[i] >= 0 && !double.IsNaN(outputs[r][i * task.Head.Outputs]))
                {
                    yield return (r, i, labels[i]);
                }
            }
        }
    }

    private static int[] LabelsOf(LabelledSet set, int row)
    {
        int[] labels = new int[set.GetLength(row)];
        set.CopyBaseClasses(row, 0, labels);
        return labels;
    }

    private static int Largest(ReadOnlySpan<double> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }

        return best;
    }
}
