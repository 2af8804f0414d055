using GenoSeq.Torch.IO;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>Writes a suite's table.</summary>
public static class SuiteReport
{
    /// <summary>Name of the Markdown file.</summary>
    public const string MarkdownFile = "table.md";

    /// <summary>Name of the JSON file.</summary>
    public const string JsonFile = "table.json";

    /// <summary>Name of the HTML file.</summary>
    public const string HtmlFile = "table.html";

    /// <summary>
    /// Writes <c>table.md</c>, <c>table.json</c> and <c>table.html</c> into a folder, each whole or not at all; the same table
    /// gives the same bytes.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <param name="folder">The folder; made if it is not there.</param>
    /// <exception cref="IOException">A file could not be written; the former one is as it was.</exception>
    public static void Write(SuiteTable table, string folder)
    {
        ArgumentNullException.ThrowIfNull(table);
        Directory.CreateDirectory(folder);
        AtomicFile.WriteAllText(Path.Combine(folder, MarkdownFile), SuiteMarkdown.Write(table));
        AtomicFile.WriteAllText(Path.Combine(folder, JsonFile), SuiteTableJson.Write(table));
        AtomicFile.WriteAllText(Path.Combine(folder, HtmlFile), SuiteHtml.Write(table));
    }
}
