using System.Net;
using System.Text;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A suite's table as one HTML file that needs nothing else.</summary>
internal static class SuiteHtml
{
    private const string Style =
        "body{font:14px/1.45 system-ui,sans-serif;margin:2em;color:#1a1a1a;background:#fff}table{border-collapse:collapse;margin:1em 0}"
        + "th,td{padding:.3em .7em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}th{vertical-align:bottom;border-bottom:2px solid #888}"
        + "th.w{white-space:normal;max-width:9em}td.l,th.l{text-align:left}td.p{color:#555;background:#f7f7f7}td.best{font-weight:700;background:#e3f1e3}"
        + "td.tie{background:#f0f7e6}li{margin:.2em 0;max-width:70em}";

    internal static string Write(SuiteTable table)
    {
        SuiteConfig suite = table.Suite;
        string title = Text(suite.Title.Length > 0 ? suite.Title : suite.Name);
        var html = new StringBuilder();
        html.Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>").Append(title).Append("</title><style>").Append(Style)
            .Append("</style></head><body>\n<h1>").Append(title).Append("</h1>\n<p>").Append(Text(SuiteText.Legend)).Append("</p>\n<table><thead><tr>");
        Heads(html, ["task", "metric"], "l");
        Heads(html, suite.Models.Select(m => m.Name).Concat(suite.Published.Select(p => p.System)), "w");
        html.Append("</tr></thead><tbody>\n");
        foreach (SuiteTable.Row row in table.Rows)
        {
            html.Append("<tr>");
            Cell(html, row.Task.Name, "l");
            Cell(html, row.Task.Metric, "l");
            for (int m = 0; m < row.Cells.Count; m++)
            {
                Model(html, row.Cells[m], SuiteText.Cell(table, row, m));
            }

            foreach (PublishedConfig p in suite.Published)
            {
                Cell(html, SuiteText.Published(p, row.Task), "p");
            }

            html.Append("</tr>\n");
        }

        html.Append("</tbody></table>\n");
        foreach (SuiteSection section in SuiteSection.Of(table))
        {
            Section(html, section);
        }

        List(html, "Tasks", SuiteText.Notes(table));
        List(html, "Published values", SuiteText.Sources(suite));
        if (SuiteText.Missing(table) is { Length: > 0 } missing)
        {
            html.Append("<p>").Append(Text(missing)).Append("</p>\n");
        }

        if (suite.Source.Length > 0)
        {
            html.Append("<p>Data: ").Append(Text(suite.Source)).Append("</p>\n");
        }

        return html.Append("</body></html>\n").ToString();
    }

    private static void Section(StringBuilder html, SuiteSection section)
    {
        html.Append("<h2>").Append(Text(section.Title)).Append("</h2>\n<table><thead><tr>");
        Heads(html, section.Heads.Take(section.Left), "l");
        Heads(html, section.Heads.Skip(section.Left), "w");
        html.Append("</tr></thead><tbody>\n");
        foreach (IReadOnlyList<string> row in section.Rows)
        {
            html.Append("<tr>");
            for (int c = 0; c < row.Count; c++)
            {
                Cell(html, row[c], c < section.Left ? "l" : "");
            }

            html.Append("</tr>\n");
        }

        html.Append("</tbody></table>\n");
    }

    private static void Model(StringBuilder html, SuiteCell? cell, string text)
    {
        string kind = cell?.Standing switch { Standing.Best => "best", Standing.Tie => "tie", _ => "" };
        string interval = cell?.HalfWidth is null ? "" : $" title=\"95 %: {SuiteText.Figure(cell.Low!.Value)} to {SuiteText.Figure(cell.High!.Value)}, {cell.Runs} seeds\"";
        html.Append("<td class=\"").Append(kind).Append('"').Append(interval).Append('>').Append(Text(text)).Append("</td>");
    }

    private static void Heads(StringBuilder html, IEnumerable<string> names, string kind)
    {
        foreach (string name in names)
        {
            html.Append("<th class=\"").Append(kind).Append("\">").Append(Text(name)).Append("</th>");
        }
    }

    private static void Cell(StringBuilder html, string text, string kind) =>
        html.Append("<td class=\"").Append(kind).Append("\">").Append(Text(text)).Append("</td>");

    private static void List(StringBuilder html, string title, IEnumerable<(string Name, string Text)> items)
    {
        (string Name, string Text)[] all = [.. items];
        if (all.Length > 0)
        {
            html.Append("<h2>").Append(title).Append("</h2>\n<ul>\n");
            foreach ((string name, string value) in all)
            {
                html.Append("<li><b>").Append(Text(name)).Append("</b>: ").Append(Text(value)).Append("</li>\n");
            }

            html.Append("</ul>\n");
        }
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
