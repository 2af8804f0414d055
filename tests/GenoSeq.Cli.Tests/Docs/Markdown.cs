using System.Text;
using System.Text.RegularExpressions;

namespace GenoSeq.Cli.Tests.Docs;

/// <summary>As much of Markdown as the tests need.</summary>
internal static partial class Markdown
{
    /// <summary>Lines inside fenced code blocks.</summary>
    public static IEnumerable<string> CodeLines(string text)
    {
        bool inside = false;
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                inside = !inside;
            }
            else if (inside)
            {
                yield return line;
            }
        }
    }

    /// <summary>Command lines of the program in code blocks: those that begin with ./genoseq or genoseq, without the trailing comment.</summary>
    public static IEnumerable<string> Commands(string text) =>
        CodeLines(text).Select(l => l.Trim()).Where(l => CommandStart().IsMatch(l)).Select(l => Comment().Replace(l, "").TrimEnd());

    /// <summary>Targets of links that lead to files of the checkout, without their fragments.</summary>
    public static IEnumerable<string> Links(string text) =>
        Link().Matches(text).Select(m => m.Groups[1].Value.Split('#')[0])
            .Where(t => t.Length > 0 && !t.Contains("://", StringComparison.Ordinal));

    /// <summary>Words in backquotes that read as a path of the checkout: under one of its folders, without placeholders.</summary>
    public static IEnumerable<string> Paths(string text) => Quoted().Matches(text).Select(m => m.Groups[1].Value.TrimEnd('/'))
        .Where(t => TrackedPath().IsMatch(t)).Distinct(StringComparer.Ordinal);

    /// <summary>A table's first column, without backquotes: the table whose header's first cell is <paramref name="header"/>.</summary>
    public static IReadOnlyList<string> FirstColumn(string text, string header)
    {
        string[] lines = text.Split('\n');
        int start = Array.FindIndex(lines, l => Cell(l) == header);
        Assert.True(start >= 0, $"there is no table with the first column '{header}'");
        return [.. lines.Skip(start + 2).TakeWhile(l => l.StartsWith('|')).Select(l => Cell(l)!)];
    }

    /// <summary>Splits a command line as a shell does; only quotes are known.</summary>
    public static IReadOnlyList<string> Words(string line)
    {
        List<string> words = [];
        StringBuilder word = new();
        char quote = '\0';
        foreach (char c in line + " ")
        {
            if (quote != '\0' ? c == quote : c is '\'' or '"')
            {
                quote = quote == '\0' ? c : '\0';
            }
            else if (quote == '\0' && c == ' ')
            {
                if (word.Length > 0)
                {
                    words.Add(word.ToString());
                }

                word.Clear();
            }
            else
            {
                word.Append(c);
            }
        }

        return words;
    }

    private static string? Cell(string line) => line.StartsWith('|') ? line.Split('|')[1].Trim().Trim('`') : null;

    [GeneratedRegex(@"^(\./)?genoseq ")]
    private static partial Regex CommandStart();

    [GeneratedRegex(@"\s+#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`([^`\s]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"^(src|tests|docs|configs|data|bench|scripts)/[A-Za-z0-9_./-]+$")]
    private static partial Regex TrackedPath();
}
