using System.Text;
using System.Text.Json;
using GenoSeq.Data;
using GenoSeq.Torch.IO;

namespace GenoSeq.Training.Studies.Report;

/// <summary>One page over the reports of several studies.</summary>
public static class StudyIndex
{
    /// <summary>Name of the page.</summary>
    public const string HtmlFile = "index.html";

    /// <summary>Name of the Markdown file.</summary>
    public const string MarkdownFile = "index.md";

    private const string Title = "Studies of sequence models on DNA";

    private static readonly string[] s_heads = ["verdict", "effect", "95 % interval", "published"];

    /// <summary>
    /// Writes <c>index.html</c> and <c>index.md</c>: links to the reports in the folders below, and all their verdicts.
    /// </summary>
    /// <param name="folder">A folder with studies' folders in it; those without <c>report.json</c> are passed over.</param>
    /// <returns>The number of studies.</returns>
    /// <exception cref="InputDataException">The folder is missing or has no report, or a <c>report.json</c> is none.</exception>
    /// <exception cref="IOException">A file could not be read or written.</exception>
    public static int Write(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string[] names = !Directory.Exists(folder) ? [] : [.. Directory.GetDirectories(folder).Select(d => Path.GetFileName(d)!)
            .Where(d => File.Exists(Path.Combine(folder, d, StudyReport.JsonFile))).Order(StringComparer.Ordinal)];
        if (names.Length == 0)
        {
            throw new InputDataException("there is no report of a study", folder, $"folders with {StudyReport.JsonFile} in them", "run studies with their output below this folder");
        }

        (string Name, StudyDocument Report)[] studies = [.. names.Select(n => (n, Read(Path.Combine(folder, n, StudyReport.JsonFile))))];
        AtomicFile.WriteAllText(Path.Combine(folder, MarkdownFile), Markdown(studies));
        AtomicFile.WriteAllText(Path.Combine(folder, HtmlFile), Html(studies));
        return studies.Length;
    }

    private static StudyDocument Read(string path)
    {
        try
        {
            StudyDocument? report = JsonSerializer.Deserialize(File.ReadAllBytes(path), StudyDocumentJson.Default.StudyDocument);
            return report is { FormatVersion: StudyDocument.CurrentVersion } ? report : throw new JsonException($"its format_version is not {StudyDocument.CurrentVersion}");
        }
        catch (JsonException error)
        {
            throw new InputDataException("this is no report of a study: " + error.Message, path, "a file that `genoseq study` wrote", "write the study's report again", error);
        }
    }

    private static string Html((string Name, StudyDocument Report)[] studies)
    {
        var html = new StringBuilder();
        html.Append(StudyHtml.Begin(Title)).Append("<header>\n<h1>").Append(Title).Append("</h1>\n<p>Claims of all studies: ").Append(Counts(studies)).Append(".</p>\n</header>\n<main>\n");
        foreach ((string name, StudyDocument report) in studies)
        {
            html.Append("<section>\n<h2><a href=\"").Append(SvgText.Escape(Uri.EscapeDataString(name))).Append('/').Append(StudyReport.HtmlFile).Append("\">").Append(SvgText.Escape(report.Title)).Append("</a></h2>\n");
            html.Append("<p>").Append(SvgText.Escape(report.Question)).Append("</p>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Verdicts of ").Append(SvgText.Escape(report.Study)).Append("\"><table class=\"txt\">\n");
            html.Append("<thead><tr><th scope=\"col\">claim</th><th scope=\"col\">verdict</th><th scope=\"col\">effect</th><th scope=\"col\">95 % interval</th><th scope=\"col\">published</th></tr></thead>\n<tbody>\n");
            foreach (StudyVerdictItem v in report.Verdicts)
            {
                html.Append("<tr><th scope=\"row\">").Append(SvgText.Escape(v.Claim.Text)).Append("</th><td>").Append(StudyHtml.Badge(v.Outcome)).Append("</td><td>")
                    .AppendJoin("</td><td>", Cells(v).Select(SvgText.Escape)).Append("</td></tr>\n");
            }

            html.Append("</tbody>\n</table></div>\n");
            html.Append(Left(report) is { Length: > 0 } left ? $"<p class=\"soft\">{left}</p>\n" : "").Append("</section>\n");
        }

        return html.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static string Markdown((string Name, StudyDocument Report)[] studies)
    {
        var text = new StringBuilder();
        text.Append("# ").Append(Title).Append("\n\nClaims of all studies: ").Append(Counts(studies)).Append(".\n");
        foreach ((string name, StudyDocument report) in studies)
        {
            text.Append("\n## [").Append(StudyMarkdown.Inline(report.Title)).Append("](").Append(Uri.EscapeDataString(name)).Append('/').Append(StudyReport.MarkdownFile).Append(")\n\n")
                .Append(StudyMarkdown.Inline(report.Question)).Append("\n\n");
            text.Append(StudyMarkdown.Table(new StudyTable("", "claim", [.. s_heads.Select(StudyColumn.Plain)],
                [.. report.Verdicts.Select(v => new StudyRow(v.Claim.Text, [new StudyCell(StudySentence.Word(v.Outcome)), .. Cells(v).Select(c => new StudyCell(c))]))]) { IsNumeric = false }));
            text.Append(Left(report) is { Length: > 0 } left ? $"\n{left}\n" : "");
        }

        return text.ToString();
    }

    private static IEnumerable<string> Cells(StudyVerdictItem v) => [v.EffectText, v.IntervalText, v.Claim.Published.Length > 0 ? v.Claim.Published : StudyFigures.Empty];

    private static string Counts((string, StudyDocument Report)[] studies) => StudyContent.Counts(studies.SelectMany(s => s.Report.Verdicts).Select(v => v.Outcome));

    private static string Left(StudyDocument report) => report.Missing.Count + report.Failures.Count + report.Diverged.Count == 0
        ? "" : $"Not complete: {report.Missing.Count} cells not run, {report.Failures.Count} failed, {report.Diverged.Count} diverged.";
}
