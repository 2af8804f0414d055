using System.Globalization;
using GenoSeq.Data;

namespace GenoSeq.Training.FineTuning;

/// <summary>Outputs of a task in units that mean something, and as a table.</summary>
public static class TaskOutputs
{
    /// <summary>Probabilities of classes or labels, or targets in their own units, from a head's outputs; in double precision.</summary>
    /// <param name="task">The task.</param>
    /// <param name="raw">[outputs], or of bases [bases * outputs].</param>
    public static double[] Of(TaskDescription task, double[] raw)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(raw);
        switch (task.Kind)
        {
            case TaskKind.Class:
                double max = raw.Max();
                double[] e = Array.ConvertAll(raw, x => Math.Exp(x - max));
                double sum = e.Sum();
                return Array.ConvertAll(e, x => x / sum);
            case TaskKind.PerBase:
                return BaseScores.Probabilities(task, raw);
            case TaskKind.MultiLabel:
                return Array.ConvertAll(raw, x => 1 / (1 + Math.Exp(-x)));
            default:
                return [.. raw.Select((x, o) => (x * task.Scale[o]) + task.Mean[o])];
        }
    }

    /// <summary>Writes predictions as a table: id, the truth if it is known, the prediction, and its numbers.</summary>
    /// <remarks>
    /// Classes of bases: a line a base, see <see cref="BaseScores.Columns"/>. Classes: <c>id label prediction p(NAME)...</c>; several labels are joined by semicolons, a prediction having those above
    /// one half. Numbers: <c>id NAME... predicted(NAME)...</c>. Numbers read back as the same double.
    /// </remarks>
    /// <param name="path">The file, which appears whole or not at all.</param>
    /// <param name="set">The set.</param>
    /// <param name="task">The task.</param>
    /// <param name="rows">Rows of the set.</param>
    /// <param name="outputs">[rows][outputs] in the task's units.</param>
    /// <param name="truth">Whether the set's labels are the task's, and belong into the table.</param>
    /// <param name="format">Tab-separated text, or Parquet; null: as the file's name says.</param>
    /// <exception cref="OutputException">Parquet cannot be written.</exception>
    public static void Write(string path, LabelledSet set, TaskDescription task, IReadOnlyList<int> rows, IReadOnlyList<double[]> outputs, bool truth,
        TableFormat? format = null)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(outputs);
        OutputTable.Write(path, Columns(set, task, rows, outputs, truth), format);
    }

    private static List<OutputColumn> Columns(LabelledSet set, TaskDescription task, IReadOnlyList<int> rows, IReadOnlyList<double[]> outputs, bool truth)
    {
        if (task.Kind == TaskKind.PerBase)
        {
            return BaseScores.Columns(set, task, rows, outputs, truth);
        }

        bool number = task.Kind == TaskKind.Number;
        var columns = new List<OutputColumn> { OutputColumn.Of("id", rows.Select(set.GetId)) };
        if (truth && !number)
        {
            columns.Add(OutputColumn.Of("label", rows.Select(r => Truth(set, task, r))));
        }

        if (!number)
        {
            columns.Add(OutputColumn.Of("prediction", outputs.Select(o => Named(task, o))));
        }

        for (int o = 0; truth && number && o < task.LabelNames.Count; o++)
        {
            int target = o;
            // The shortest text of a float, and not what it is to the last binary digit.
            columns.Add(OutputColumn.Of(task.LabelNames[o], rows.Select(r => double.Parse(
                set.GetValues(r)[target].ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture))));
        }

        for (int o = 0; o < task.LabelNames.Count; o++)
        {
            int output = o;
            columns.Add(OutputColumn.Of($"{(number ? "predicted" : "p")}({task.LabelNames[o]})", outputs.Select(v => v[output])));
        }

        return columns;
    }

    private static string Named(TaskDescription task, double[] p) => task.Kind == TaskKind.Class
        ? task.LabelNames[Array.IndexOf(p, p.Max())]
        : string.Join(';', task.LabelNames.Where((_, o) => p[o] > 0.5));

    private static string Truth(LabelledSet set, TaskDescription task, int row)
    {
        if (task.Kind == TaskKind.Class)
        {
            return task.LabelNames[set.GetClass(row)];
        }

        float[] values = set.GetValues(row).ToArray();
        return string.Join(';', task.LabelNames.Where((_, o) => values[o] != 0));
    }
}
