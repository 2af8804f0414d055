using System.Globalization;
using System.Text;
using GenoSeq.Data;

namespace GenoSeq.Training.Studies.Report;

/// <summary>A report as one HTML file that needs nothing else.</summary>
internal sealed class StudyHtml
{
    private readonly StudyContent _content;
    private readonly StringBuilder _html = new();

    private StudyHtml(StudyContent content) => _content = content;

    internal static string Write(StudyContent content)
    {
        var page = new StudyHtml(content);
        page.Head();
        page.Verdicts();
        page.Plots();
        page.Tables();
        page.Problems();
        page.Origin();
        return page._html.Append("</main>\n<script>").Append(StudyStyle.Script).Append("</script>\n</body>\n</html>\n").ToString();
    }

    /// <summary>Everything up to the content of a page.</summary>
    internal static string Begin(string title) =>
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        + $"<title>{SvgText.Escape(title)}</title>\n<style>{StudyStyle.Page}{StudyStyle.Chart}</style>\n</head>\n<body>\n";

    /// <summary>An outcome, by sign, word and colour.</summary>
    internal static string Badge(StudyOutcome outcome) => $"<span class=\"badge {Class(outcome)}\">{Sign(outcome)} {StudySentence.Word(outcome)}</span>";

    /// <summary>An outcome as the name of a style, and in JSON.</summary>
    internal static string Class(StudyOutcome outcome) => StudySentence.Word(outcome).Replace(' ', '_');

    /// <summary>A table in a box that scrolls where it is wider than the page.</summary>
    internal static string Table(StudyTable table, string label)
    {
        var html = new StringBuilder();
        // Not a caption: that would be as wide as the table, and scroll with it.
        html.Append(table.Title.Length > 0 ? $"<p class=\"soft above\">{SvgText.Escape(table.Title)}</p>\n" : "");
        html.Append(CultureInfo.InvariantCulture, $"<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{SvgText.Escape(label)}\"><table class=\"{(table.IsNumeric ? "num" : "txt")}\">\n");

        html.Append("<thead>\n");
        int levels = table.Columns.Count == 0 ? 1 : table.Columns[0].Levels.Count;
        for (int level = 0; level < levels; level++)
        {
            html.Append("<tr>");
            if (level == 0)
            {
                html.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\"{Span("rowspan", levels)}>{SvgText.Escape(table.Corner)}</th>");
            }

            for (int c = 0; c < table.Columns.Count;)
            {
                int span = 1;
                while (level < levels - 1 && c + span < table.Columns.Count && Same(table.Columns[c], table.Columns[c + span], level))
                {
                    span++;
                }

                (string name, string value) = table.Columns[c].Levels[level];
                html.Append(CultureInfo.InvariantCulture, $"<th scope=\"{(span > 1 ? "colgroup" : "col")}\"{Span("colspan", span)}>")
                    .Append(name.Length > 0 ? $"<small>{SvgText.Escape(name)}</small> " : "").Append(SvgText.Escape(value)).Append("</th>");
                c += span;
            }

            html.Append("</tr>\n");
        }

        html.Append("</thead>\n<tbody>\n");
        foreach (StudyRow row in table.Rows)
        {
            html.Append("<tr><th scope=\"row\">").Append(SvgText.Escape(row.Head)).Append("</th>");
            foreach (StudyCell cell in row.Cells)
            {
                string kind = cell.Mark switch { StudyMark.Best => " class=\"best\"", StudyMark.Tie => " class=\"tie\"", _ => "" };
                html.Append("<td").Append(kind).Append(cell.Hint.Length > 0 ? $" title=\"{SvgText.Escape(cell.Hint)}\"" : "").Append('>').Append(SvgText.Escape(cell.Text))
                    .Append(cell.Mark == StudyMark.Tie ? " ≈" : "").Append("</td>");
            }

            html.Append("</tr>\n");
        }

        return html.Append("</tbody>\n</table></div>\n").ToString();
    }

    private static string Sign(StudyOutcome outcome) => outcome switch
    {
        StudyOutcome.Supported => "✓",
        StudyOutcome.Contradicted => "✗",
        StudyOutcome.Undecided => "?",
        _ => "–",
    };

    private static bool Same(StudyColumn a, StudyColumn b, int level) => a.Levels.Take(level + 1).SequenceEqual(b.Levels.Take(level + 1));

    private static string Span(string name, int n) => n > 1 ? string.Create(CultureInfo.InvariantCulture, $" {name}=\"{n}\"") : "";

    private void Head()
    {
        StudyConfig config = _content.Results.Study.Config;
        _html.Append(Begin(_content.Title)).Append("<header>\n<h1>").Append(SvgText.Escape(_content.Title)).Append("</h1>\n");
        Paragraph(config.Question, "lead");
        Paragraph(config.Setting, "soft");
        Paragraph("Claims: " + StudyContent.Counts(_content.Verdicts.Select(v => v.Outcome)) + ".");
        _html.Append("<nav aria-label=\"Sections\"><ul>");
        foreach ((string id, string title, bool there) in new[]
        {
            ("verdicts", "Verdicts", _content.Verdicts.Count > 0), ("plots", "Plots", _content.Plots.Count > 0), ("tables", "Tables", true),
            ("problems", "What is missing", HasProblems), ("origin", "Provenance", true),
        }.Where(s => s.Item3))
        {
            _html.Append(CultureInfo.InvariantCulture, $"<li><a href=\"#{id}\">{title}</a></li>");
        }

        _html.Append("</ul></nav>\n</header>\n<main>\n");
    }

    private bool HasProblems => _content.Failed.Count + _content.Diverged.Count + _content.Results.Missing.Count > 0;

    private void Verdicts()
    {
        if (_content.Verdicts.Count == 0)
        {
            return;
        }

        _html.Append("<section id=\"verdicts\">\n<h2>Verdicts</h2>\n<p class=\"soft\">Green: where the claim expects the effect. The diamond is our mean over seeds, the line its 95 % confidence interval.</p>\n<div class=\"cards\">\n");
        for (int i = 0; i < _content.Verdicts.Count; i++)
        {
            StudyVerdict v = _content.Verdicts[i];
            _html.Append(CultureInfo.InvariantCulture, $"<article class=\"card {Class(v.Outcome)}\">\n{Badge(v.Outcome)}\n<h3>{SvgText.Escape(v.Claim.Name)}</h3>\n");
            _html.Append("<blockquote>").Append(SvgText.Escape(v.Claim.Text)).Append(v.Claim.Source.Length > 0 ? $"<footer>{SvgText.Escape(v.Claim.Source)}</footer>" : "").Append("</blockquote>\n");
            _html.Append(StudyForest.Svg(v, string.Create(CultureInfo.InvariantCulture, $"verdict-{i + 1}")));
            Paragraph(v.Sentence);
            _html.Append("</article>\n");
        }

        _html.Append("</div>\n</section>\n");
    }

    private void Plots()
    {
        if (_content.Plots.Count == 0)
        {
            return;
        }

        _html.Append("<section id=\"plots\">\n<h2>Plots</h2>\n<p class=\"soft\">Means over seeds; whiskers and bands are 95 % confidence intervals. An end of a whisker without a bar lies beyond the axis.</p>\n<div class=\"plots\">\n");
        for (int i = 0; i < _content.Plots.Count; i++)
        {
            StudyPlotData data = _content.Plots[i];
            string id = string.Create(CultureInfo.InvariantCulture, $"plot-{i + 1}");
            _html.Append(CultureInfo.InvariantCulture, $"<figure id=\"{id}\">\n<figcaption><h3>{SvgText.Escape(data.Plot.Title)}</h3></figcaption>\n");
            if (data.Series.Count > 0)
            {
                _html.Append(StudyChart.Svg(data, id, alone: false));
                Legend(data);
            }

            foreach (string note in StudyChart.Notes(data).Prepend(Selected(data.Plot)).Where(n => n.Length > 0))
            {
                Paragraph(note, "soft");
            }

            _html.Append("</figure>\n");
        }

        _html.Append("</div>\n</section>\n");
    }

    /// <summary>What a plot selects.</summary>
    internal static string Selected(StudyPlotConfig plot) =>
        plot.At.Count == 0 ? "" : $"At {StudySentence.And([.. plot.At.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key} {a.Value}")])}.";

    private void Legend(StudyPlotData data)
    {
        if (data.IsBars)
        {
            return;
        }

        _html.Append("<ul class=\"legend\">\n");
        foreach (StudySeries series in data.Series)
        {
            _html.Append(CultureInfo.InvariantCulture, $"<li data-s=\"{series.Index}\">").Append(StudyChart.KeyAlone(data, series)).Append("<span>").Append(SvgText.Escape(series.Model)).Append("</span></li>\n");
        }

        _html.Append("</ul>\n");
    }

    private void Tables()
    {
        _html.Append("<section id=\"tables\">\n<h2>Tables</h2>\n");
        Paragraph(StudyContent.TableLegend, "soft");
        foreach ((StudyMetricConfig metric, IReadOnlyList<StudyTable> tables) in _content.Metrics)
        {
            string title = StudyContent.Heading(metric);
            _html.Append("<h3>").Append(SvgText.Escape(title)).Append("</h3>\n");
            foreach (StudyTable table in tables)
            {
                _html.Append(Table(table, table.Title.Length > 0 ? $"{title}: {table.Title}" : title));
            }
        }

        _html.Append("<h3>Costs</h3>\n").Append(Table(_content.Costs, "Costs"));
        if (_content.Sweep is { } sweep)
        {
            _html.Append("<h3>Learning rates</h3>\n").Append(Table(sweep, "Learning rates"));
        }

        _html.Append("</section>\n");
    }

    private void Problems()
    {
        if (!HasProblems)
        {
            return;
        }

        _html.Append("<section id=\"problems\">\n<h2>What is missing</h2>\n");
        List("Cells that diverged", _content.Diverged.Select(d => $"{d.Cell}: {d.Why}"));
        List("Cells that failed", _content.Failed.Select(f => $"{f.Cell}: {f.Error}"));
        List("Cells not run yet", _content.Results.Missing);
        _html.Append("</section>\n");
    }

    private void Origin()
    {
        _html.Append("<section id=\"origin\">\n<h2>Provenance</h2>\n<dl>\n");
        foreach ((string name, string text) in _content.Provenance)
        {
            _html.Append(CultureInfo.InvariantCulture, $"<dt>{SvgText.Escape(name)}</dt><dd>{SvgText.Escape(text)}</dd>\n");
        }

        _html.Append("</dl>\n</section>\n");
    }

    private void List(string title, IEnumerable<string> items)
    {
        string[] all = [.. items];
        if (all.Length > 0)
        {
            _html.Append("<h3>").Append(title).Append("</h3>\n<ul>\n").Append(string.Concat(all.Select(i => $"<li>{SvgText.Escape(i)}</li>\n"))).Append("</ul>\n");
        }
    }

    private void Paragraph(string text, string kind = "")
    {
        if (text.Length > 0)
        {
            _html.Append(kind.Length > 0 ? $"<p class=\"{kind}\">" : "<p>").Append(SvgText.Escape(text)).Append("</p>\n");
        }
    }
}
