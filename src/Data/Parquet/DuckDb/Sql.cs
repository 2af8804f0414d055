using System.Text;

namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary>Quoting of names and texts.</summary>
internal static class Sql
{
    internal static string Text(string value) => $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    internal static string Name(string value) => $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A path that a scan takes literally: characters that would make it a pattern are put in brackets.</summary>
    internal static string Path(string path) => Text(Pattern(path));

    /// <summary>As <see cref="Path"/>, without the quotes.</summary>
    internal static string Pattern(string path)
    {
        var text = new StringBuilder(path.Length + 8);
        foreach (char c in path)
        {
            _ = c is '*' or '?' or '[' ? text.Append('[').Append(c).Append(']') : text.Append(c);
        }

        return text.ToString();
    }

    /// <summary>
    /// What keeps <paramref name="expression"/> from being one expression, or null. Quotes and comments must close and
    /// parentheses must pair, so that nothing can step out of the parentheses that it is put in.
    /// </summary>
    internal static string? ProblemOf(string expression)
    {
        int depth = 0;
        for (int i = 0; i < expression.Length; i++)
        {
            char c = expression[i];
            switch (c)
            {
                case '\'' or '"':
                    i = expression.IndexOf(c, i + 1);
                    if (i < 0)
                    {
                        return $"a {c} is not closed";
                    }

                    break;
                case '(':
                    depth++;
                    break;
                case ')' when --depth < 0:
                    return "a ')' has no '('";
                case ';':
                    return "it holds a ';'";
                case '\0':
                    return "it holds a NUL character";
                case '-' or '/' or '$' when i + 1 < expression.Length && expression.AsSpan(i, 2) is "--" or "/*" or "$$":
                    return "it holds a comment or a $$ quotation";
            }
        }

        return depth > 0 ? "a '(' is not closed" : string.IsNullOrWhiteSpace(expression) ? "it is empty" : null;
    }
}
