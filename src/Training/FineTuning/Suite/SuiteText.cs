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

    /// <summary>Our values in the metrics of published ones, where those are others than the rows'.</summary>
    internal static IEnumerable<(string Task, string Metric, IReadOnlyList<SuiteCell?> Cells)> Others(SuiteTable table) =>
        table.Rows.SelectMany(r => r.Others.Where(o => o.Value.Any(c => c is not null)).Select(o => (r.Task.Name, o.Key, o.Value)));

    internal static IEnumerable<(string System, string Text)> Sources(SuiteConfig suite) => suite.Published.Select(p => (
        p.System,
        p.Source + (p.Protocol.Length > 0 ? ". Protocol: " + p.Protocol : "") + (p.SpreadKind.Length > 0 ? ". ±: " + p.SpreadKind : "") + "."));

    internal static IEnumerable<(string Task, string Text)> Notes(SuiteConfig suite) =>
        suite.Tasks.Where(t => t.Note.Length > 0).Select(t => (t.Name, t.Note + "."));

    internal static string Duel(SuiteTable.Duel d) => string.Create(CultureInfo.InvariantCulture,
        $"{d.Wins} / {d.Ties} / {d.Losses}");

    internal static string Higher(SuiteTable.Duel d)
    {
        double percent = d.Tasks > 0 ? 100.0 * d.Higher / d.Tasks : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{d.Higher} of {d.Tasks} ({percent:0} %)");
    }
}
