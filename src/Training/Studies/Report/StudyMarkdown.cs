using System.Text;

namespace GenoSeq.Training.Studies.Report;

/// <summary>A report as Markdown, as code hosts show it.</summary>
internal sealed class StudyMarkdown
{
    private readonly StringBuilder _text = new();

    private StudyMarkdown()
    {
    }

    internal static string Write(StudyContent content)
    {
        var page = new StudyMarkdown();
        page.Body(content);
        return page._text.ToString();
    }

    /// <summary>A table.</summary>
    internal static string Table(StudyTable table)
    {
        var text = new StringBuilder();
        Line(text, [Inline(table.Corner), .. table.Columns.Select(c => Inline(c.Text))]);
        text.Append("| --- |").Insert(text.Length, table.IsNumeric ? " ---: |" : " --- |", table.Columns.Count).Append('\n');
        foreach (StudyRow row in table.Rows)
        {
            Line(text, [Inline(row.Head), .. row.Cells.Select(Cell)]);
        }

        return text.ToString();
    }

    /// <summary>Text without anything that Markdown or HTML would take for its own.</summary>
    internal static string Inline(string text)
    {
        var safe = new StringBuilder(text.Length + 8);
        foreach (char c in text.ReplaceLineEndings(" "))
        {
            if (c is '\\' or '`' or '*' or '_' or '[' or ']' or '|' or '~' or '#')
            {
                safe.Append('\\');
            }

            safe.Append(c switch { '<' => "&lt;", '>' => "&gt;", '&' => "&amp;", _ => c.ToString() });
        }

        return safe.ToString();
    }

    private static string Cell(StudyCell cell)
    {
        string text = Inline(cell.Text);
        return cell.Mark switch { StudyMark.Best => $"**{text}**", StudyMark.Tie => text + " ≈", _ => text };
    }

    private static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

    private void Body(StudyContent content)
    {
        StudyConfig config = content.Results.Study.Config;
        _text.Append("# ").Append(Inline(content.Title)).Append('\n');
        Paragraph(config.Question);
        Paragraph(config.Setting);
        if (content.Verdicts.Count > 0)
        {
            _text.Append("\n## Verdicts\n\n").Append(Table(StudyOtherTables.Verdicts(content.Results, content.Verdicts)));
            foreach (StudyVerdict v in content.Verdicts)
            {
                _text.Append("\n### ").Append(Inline(v.Claim.Name)).Append(": ").Append(StudySentence.Word(v.Outcome)).Append("\n\n> ").Append(Inline(v.Claim.Text))
                    .Append(v.Claim.Source.Length > 0 ? $" ({Inline(v.Claim.Source)})" : "").Append('\n');
                Paragraph(v.Sentence);
            }
        }

        if (content.Plots.Count > 0)
        {
            _text.Append("\n## Plots\n\nMeans over seeds; whiskers and bands are 95 % confidence intervals.\n");
            for (int i = 0; i < content.Plots.Count; i++)
            {
                StudyPlotData data = content.Plots[i];
                _text.Append("\n### ").Append(Inline(data.Plot.Title)).Append('\n');
                if (data.Series.Count > 0)
                {
                    _text.Append("\n![").Append(Inline(data.Plot.Title)).Append("](").Append(StudyReport.PlotFile(i)).Append(")\n");
                }

                Paragraph(string.Join(" ", StudyChart.Notes(data).Prepend(StudyHtml.Selected(data.Plot)).Where(n => n.Length > 0)));
            }
        }

        _text.Append("\n## Tables\n");
        Paragraph(StudyContent.TableLegend.Replace("Best:", "Bold:", StringComparison.Ordinal));
        foreach ((StudyMetricConfig metric, IReadOnlyList<StudyTable> tables) in content.Metrics)
        {
            _text.Append("\n### ").Append(Inline(StudyContent.Heading(metric))).Append('\n');
            foreach (StudyTable table in tables)
            {
                Titled(table);
            }
        }

        _text.Append("\n### Costs\n");
        Titled(content.Costs);
        if (content.Sweep is { } sweep)
        {
            _text.Append("\n### Learning rates\n");
            Titled(sweep);
        }

        List("Cells that diverged", content.Diverged.Select(d => $"{d.Cell}: {d.Why}"));
        List("Cells that failed", content.Failed.Select(f => $"{f.Cell}: {f.Error}"));
        List("Cells not run yet", content.Results.Missing);
        List("Provenance", content.Provenance.Select(p => $"{p.Name}: {p.Text}"));
    }

    private void Titled(StudyTable table)
    {
        Paragraph(table.Title);
        _text.Append('\n').Append(Table(table));
    }

    private void Paragraph(string text)
    {
        if (text.Length > 0)
        {
            _text.Append('\n').Append(Inline(text)).Append('\n');
        }
    }

    private void List(string title, IEnumerable<string> items)
    {
        string[] all = [.. items];
        if (all.Length > 0)
        {
            _text.Append("\n## ").Append(title).Append("\n\n").Append(string.Concat(all.Select(i => $"- {Inline(i)}\n")));
        }
    }
}
