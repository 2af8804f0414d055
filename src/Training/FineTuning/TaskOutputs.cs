using System.Globalization;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Torch.IO;

namespace GenoSeq.Training.FineTuning;

/// <summary>Outputs of a task in units that mean something, and as a table.</summary>
public static class TaskOutputs
{
    /// <summary>Probabilities of classes or labels, or targets in their own units, from a head's outputs; in double precision.</summary>
    /// <param name="task">The task.</param>
    /// <param name="raw">[outputs].</param>
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
            case TaskKind.MultiLabel:
                return Array.ConvertAll(raw, x => 1 / (1 + Math.Exp(-x)));
            default:
                return [.. raw.Select((x, o) => (x * task.Scale[o]) + task.Mean[o])];
        }
    }

    /// <summary>Writes predictions as a tab-separated table: id, the truth if it is known, the prediction, and its numbers.</summary>
    /// <remarks>
    /// Classes: <c>id label prediction p(NAME)...</c>; several labels are joined by semicolons, a prediction having those above
    /// one half. Numbers: <c>id NAME... predicted(NAME)...</c>. Numbers read back as the same double.
    /// </remarks>
    /// <param name="path">The file, which appears whole or not at all.</param>
    /// <param name="set">The set.</param>
    /// <param name="task">The task.</param>
    /// <param name="rows">Rows of the set.</param>
    /// <param name="outputs">[rows][outputs] in the task's units.</param>
    /// <param name="truth">Whether the set's labels are the task's, and belong into the table.</param>
    public static void Write(string path, LabelledSet set, TaskDescription task, IReadOnlyList<int> rows, IReadOnlyList<double[]> outputs, bool truth)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(outputs);
        IReadOnlyList<string> names = task.LabelNames;
        string[] known = !truth ? [] : task.Kind == TaskKind.Number ? [.. names] : ["label"];
        string[] said = task.Kind == TaskKind.Number
            ? [.. names.Select(n => $"predicted({n})")]
            : ["prediction", .. names.Select(n => $"p({n})")];
        var text = new StringBuilder();
        Line(text, ["id", .. known, .. said]);
        for (int i = 0; i < rows.Count; i++)
        {
            IEnumerable<string> numbers = outputs[i].Select(v => v.ToString("R", CultureInfo.InvariantCulture));
            string[] prediction = task.Kind == TaskKind.Number ? [] : [Named(task, outputs[i])];
            Line(text, [set.GetId(rows[i]), .. truth ? Truth(set, task, rows[i]) : [], .. prediction, .. numbers]);
        }

        AtomicFile.WriteAllText(path, text.ToString());
    }

    private static string Named(TaskDescription task, double[] p) => task.Kind == TaskKind.Class
        ? task.LabelNames[Array.IndexOf(p, p.Max())]
        : string.Join(';', task.LabelNames.Where((_, o) => p[o] > 0.5));

    private static string[] Truth(LabelledSet set, TaskDescription task, int row)
    {
        if (task.Kind == TaskKind.Class)
        {
            return [task.LabelNames[set.GetClass(row)]];
        }

        float[] values = set.GetValues(row).ToArray();
        return task.Kind == TaskKind.MultiLabel
            ? [string.Join(';', task.LabelNames.Where((_, o) => values[o] != 0))]
            : Array.ConvertAll(values, v => v.ToString("R", CultureInfo.InvariantCulture));
    }

    private static void Line(StringBuilder text, IEnumerable<string> fields) =>
        text.AppendJoin('\t', fields.Select(f => f.Replace('\t', ' '))).Append('\n');
}
