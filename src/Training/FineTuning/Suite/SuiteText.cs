using System.Globalization;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>What the written forms of a table have in common: figures, columns and notes.</summary>
internal static class SuiteText
{
    internal const string Empty = "–";

    internal const string Legend =
        "Mean over seeds ± standard deviation. Bold: the best of our runs. ≈: a tie, its mean or the best's lies in the other's "
        + "95 % confidence interval (test rows by bootstrap and seeds by Student's t, added in the square). "
        + "Published values stand as they were published; what differs in the protocol is below.";

    internal static string Figure(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    internal static string Cell(SuiteCell? cell) => cell is null
        ? Empty
        : Figure(cell.Mean) + (cell.Deviation is { } d ? " ± " + Figure(d) : "") + (cell.Standing == Standing.Tie ? " ≈" : "");

    /// <summary>A published value, with its metric where that is another than the row's.</summary>
    internal static string Published(PublishedConfig published, SuiteTaskConfig task)
    {
        if (!published.Values.TryGetValue(task.Name, out double value))
        {
            return Empty;
        }

        string text = Figure(value) + (published.Spreads.TryGetValue(task.Name, out double spread) ? " ± " + Figure(spread) : "");
        return published.Metric is { } metric && metric != task.Metric ? $"{metric} {text}" : text;
    }

    internal static IEnumerable<(string System, string Text)> Sources(SuiteConfig suite) => suite.Published.Select(p => (
        p.System,
        p.Source + (p.Protocol.Length > 0 ? ". Protocol: " + p.Protocol : "") + (p.SpreadKind.Length > 0 ? ". ±: " + p.SpreadKind : "") + "."));

    /// <summary>What is to be known of tasks: whether they are the published ones, and what their data made the program say.</summary>
    internal static IEnumerable<(string Task, string Text)> Notes(SuiteTable table) => table.Suite.Tasks
        .Select(t => (t.Name, string.Join("; ", All(t, table.Status.Data.FirstOrDefault(d => d.Task == t.Name))) + ".")).Where(n => n.Item2.Length > 1);

    /// <summary>What the table has not.</summary>
    internal static string Missing(SuiteTable table) => string.Join(". ", new[]
    {
        ("Data that are not there", table.Status.Absent), ("Not run", table.Status.NotRun),
    }.Where(m => m.Item2.Count > 0).Select(m => $"{m.Item1}: {string.Join(", ", m.Item2)}"));

    /// <summary>A cell of the main table: its value, or why there is none.</summary>
    internal static string Cell(SuiteTable table, SuiteTable.Row row, int model)
    {
        int failed = table.Status.Failures.Count(f => f.Task == row.Task.Name && f.Model == table.Suite.Models[model].Name);
        return row.Cells[model] is { } cell ? Cell(cell) + (failed > 0 ? $" ({failed} failed)" : "")
            : failed > 0 ? "failed"
            : table.Status.Absent.Contains(row.Task.Name) ? "absent"
            : Empty;
    }

    internal static string Signed(double value) => value.ToString("+0.000;-0.000;0.000", CultureInfo.InvariantCulture);

    internal static string Duel(SuiteTable.Duel d) => string.Create(CultureInfo.InvariantCulture,
        $"{d.Wins} / {d.Ties} / {d.Losses}");

    internal static string Higher(SuiteTable.Duel d)
    {
        double percent = d.Tasks > 0 ? 100.0 * d.Higher / d.Tasks : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{d.Higher} of {d.Tasks} ({percent:0} %)");
    }

    private static IEnumerable<string> All(SuiteTaskConfig task, SuiteTaskData? data)
    {
        if (task.Official)
        {
            yield return data is { Dropped: > 0 } ? "the published set without the training rows that other parts have too" : "the published set, whole, with its official parts";
        }

        if (task.Note.Length > 0)
        {
            yield return task.Note;
        }

        foreach (string note in data?.Notes ?? [])
        {
            yield return note;
        }
    }
}
