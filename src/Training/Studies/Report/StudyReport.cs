using System.Globalization;
using GenoSeq.Torch.IO;

namespace GenoSeq.Training.Studies.Report;

/// <summary>Writes what a study found.</summary>
public static class StudyReport
{
    /// <summary>Name of the page.</summary>
    public const string HtmlFile = "index.html";

    /// <summary>Name of the Markdown file.</summary>
    public const string MarkdownFile = "report.md";

    /// <summary>Name of the file for other programs.</summary>
    public const string JsonFile = "report.json";

    /// <summary>
    /// Writes <c>report.json</c>, <c>report.md</c> with its plots (<c>plot-1.svg</c> and so on) and <c>index.html</c>, each whole or not at
    /// all. The same results give the same bytes, in whichever order they come.
    /// </summary>
    /// <param name="results">The results; a study that is not complete has a report too, which says what is missing.</param>
    /// <param name="folder">The folder; made if it is not there. Plots of a former report that are no more are removed.</param>
    /// <exception cref="IOException">A file could not be written; the former one is as it was.</exception>
    public static void Write(StudyResults results, string folder)
    {
        ArgumentNullException.ThrowIfNull(results);
        var content = new StudyContent(results);
        string html = StudyHtml.Write(content);
        Directory.CreateDirectory(folder);
        var plots = new HashSet<string>();
        for (int i = 0; i < content.Plots.Count; i++)
        {
            if (content.Plots[i].Series.Count > 0)
            {
                plots.Add(PlotFile(i));
                AtomicFile.WriteAllText(Path.Combine(folder, PlotFile(i)), StudyChart.Svg(content.Plots[i], "plot", alone: true));
            }
        }

        AtomicFile.WriteAllText(Path.Combine(folder, JsonFile), StudyDocument.Of(content).ToJson());
        AtomicFile.WriteAllText(Path.Combine(folder, MarkdownFile), StudyMarkdown.Write(content));
        AtomicFile.WriteAllText(Path.Combine(folder, HtmlFile), html);
        foreach (string former in Directory.GetFiles(folder, "plot-*.svg").Where(f => !plots.Contains(Path.GetFileName(f))))
        {
            File.Delete(former);
        }
    }

    /// <summary>The verdicts as lines for a terminal.</summary>
    /// <param name="results">The results.</param>
    public static IReadOnlyList<string> Summary(StudyResults results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var content = new StudyContent(results);
        string left = results.Missing.Count + results.Failures.Count + content.Diverged.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture,
            $"; cells: {results.Missing.Count} not run, {results.Failures.Count} failed, {content.Diverged.Count} diverged");
        return
        [
            $"{content.Title}: {StudyContent.Counts(content.Verdicts.Select(v => v.Outcome))}{left}",
            .. content.Verdicts.Select(v => $"{StudySentence.Word(v.Outcome).ToUpperInvariant(),-12} {v.Claim.Name}: {v.Sentence}"),
        ];
    }

    /// <summary>Name of a plot's file.</summary>
    internal static string PlotFile(int index) => string.Create(CultureInfo.InvariantCulture, $"plot-{index + 1}.svg");
}
