using System.Text;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A suite's table as Markdown.</summary>
internal static class SuiteMarkdown
{
    internal static string Write(SuiteTable table)
    {
        SuiteConfig suite = table.Suite;
        var text = new StringBuilder();
        text.Append("# ").Append(Inline(suite.Title.Length > 0 ? suite.Title : suite.Name)).Append("\n\n");
        text.Append(SuiteText.Legend).Append("\n\n");
        Line(text, ["task", "metric", .. suite.Models.Select(m => m.Name), .. suite.Published.Select(p => p.System)]);
        Rule(text, 2, suite.Models.Count + suite.Published.Count);
        foreach (SuiteTable.Row row in table.Rows)
        {
            Line(text, [row.Task.Name, row.Task.Metric, .. row.Cells.Select(Cell), .. suite.Published.Select(p => SuiteText.Published(p, row.Task))]);
        }

        if (SuiteText.Others(table).ToArray() is { Length: > 0 } others)
        {
            text.Append("\n## In the metrics of published values\n\n");
            Line(text, ["task", "metric", .. suite.Models.Select(m => m.Name)]);
            Rule(text, 2, suite.Models.Count);
            foreach ((string task, string metric, IReadOnlyList<SuiteCell?> cells) in others)
            {
                Line(text, [task, metric, .. cells.Select(SuiteText.Cell)]);
            }
        }

        if (table.Duels.Any(d => d.Tasks > 0))
        {
            text.Append("\n## Models compared\n\n");
            Line(text, ["model", "against", "wins / ties / losses", "higher mean"]);
            Rule(text, 2, 2);
            foreach (SuiteTable.Duel d in table.Duels.Where(d => d.Tasks > 0))
            {
                Line(text, [d.A, d.B, SuiteText.Duel(d), SuiteText.Higher(d)]);
            }
        }

        List(text, "Tasks", SuiteText.Notes(suite));
        List(text, "Published values", SuiteText.Sources(suite));
        if (suite.Source.Length > 0)
        {
            text.Append("\nData: ").Append(Inline(suite.Source)).Append('\n');
        }

        return text.ToString();
    }

    private static string Cell(SuiteCell? cell) => cell?.Standing == Standing.Best ? $"**{SuiteText.Cell(cell)}**" : SuiteText.Cell(cell);

    private static void Line(StringBuilder text, IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(c => Inline(c).Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");

    private static void Rule(StringBuilder text, int left, int right) =>
        text.Append("| ").AppendJoin(" | ", Enumerable.Repeat("---", left).Concat(Enumerable.Repeat("---:", right))).Append(" |\n");

    private static void List(StringBuilder text, string title, IEnumerable<(string Name, string Text)> items)
    {
        (string Name, string Text)[] all = [.. items];
        if (all.Length > 0)
        {
            text.Append("\n## ").Append(title).Append("\n\n");
            foreach ((string name, string value) in all)
            {
                text.Append("- ").Append(Inline(name)).Append(": ").Append(Inline(value)).Append('\n');
            }
        }
    }

    private static string Inline(string text) => text.ReplaceLineEndings(" ");
}
