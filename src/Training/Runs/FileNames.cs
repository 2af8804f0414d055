using System.Text;

namespace GenoSeq.Training.Runs;

/// <summary>Names as those of files.</summary>
internal static class FileNames
{
    /// <summary>Lower-case letters, digits, underscores and other characters that may stay, and hyphens for the rest.</summary>
    /// <param name="name">A name that people gave.</param>
    /// <param name="others">What may stay besides.</param>
    internal static string Of(string name, string others = "")
    {
        var text = new StringBuilder();
        foreach (char c in name.ToLowerInvariant())
        {
            bool word = char.IsAsciiLetterOrDigit(c) || c == '_' || others.Contains(c, StringComparison.Ordinal);
            if (word || (text.Length > 0 && text[^1] != '-'))
            {
                text.Append(word ? c : '-');
            }
        }

        return text.ToString().Trim('-', '.');
    }
}
