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
            Line(text, [row.Task.Name, row.Task.Metric, .. row.Cells.Select((c, m) => Cell(table, row, m)), .. suite.Published.Select(p => SuiteText.Published(p, row.Task))]);
        }

        foreach (SuiteSection section in SuiteSection.Of(table))
        {
            text.Append("\n## ").Append(section.Title).Append("\n\n");
            Line(text, section.Heads);
            Rule(text, section.Left, section.Heads.Count - section.Left);
            foreach (IReadOnlyList<string> row in section.Rows)
            {
                Line(text, row);
            }
        }

        List(text, "Tasks", SuiteText.Notes(table));
        List(text, "Published values", SuiteText.Sources(suite));
        if (SuiteText.Missing(table) is { Length: > 0 } missing)
        {
            text.Append('\n').Append(Inline(missing)).Append('\n');
        }

        if (suite.Source.Length > 0)
        {
            text.Append("\nData: ").Append(Inline(suite.Source)).Append('\n');
        }

        return text.ToString();
    }

    private static string Cell(SuiteTable table, SuiteTable.Row row, int model)
    {
        string text = SuiteText.Cell(table, row, model);
        return row.Cells[model]?.Standing == Standing.Best ? $"**{text}**" : text;
    }

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
