using System.Globalization;
using System.Text;

namespace GenoSeq.Training.Configuration;

/// <summary>Dotted paths into a configuration tree: <c>data.files[0]</c>; the root is the empty string.</summary>
public static class ConfigPath
{
    /// <summary>The path of <paramref name="key"/> inside <paramref name="parent"/>.</summary>
    /// <remarks>A key that is not a plain word is written <c>["chr1.1"]</c>, so that two trees never share a path.</remarks>
    public static string Append(string parent, string key)
    {
        if (!IsWord(key))
        {
            return string.Concat(parent, "[\"", key.Replace("\"", "\\\"", StringComparison.Ordinal), "\"]");
        }

        return parent.Length == 0 ? key : string.Concat(parent, ".", key);
    }

    /// <summary>The path of element <paramref name="index"/> (from 0) of the sequence at <paramref name="parent"/>.</summary>
    public static string Append(string parent, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"{parent}[{index}]");

    /// <summary>The path one level up, or null for the root.</summary>
    public static string? Parent(string path)
    {
        if (path.Length == 0)
        {
            return null;
        }

        if (path.EndsWith("\"]", StringComparison.Ordinal))
        {
            int quoted = path.LastIndexOf("[\"", StringComparison.Ordinal);
            return quoted <= 0 ? string.Empty : path[..quoted];
        }

        int cut = path.LastIndexOfAny(['.', '[']);
        return cut <= 0 ? string.Empty : path[..cut];
    }

    /// <summary>True when <paramref name="path"/> is <paramref name="ancestor"/> or lies below it.</summary>
    public static bool IsAtOrBelow(string path, string ancestor) =>
        ancestor.Length == 0
        || (path.StartsWith(ancestor, StringComparison.Ordinal)
            && (path.Length == ancestor.Length || path[ancestor.Length] is '.' or '['));

    /// <summary>Splits <c>a.b[2].c</c> into its keys (string) and indices (int); null when it is malformed.</summary>
    public static IReadOnlyList<object>? Split(string path)
    {
        List<object> parts = [];
        foreach (string segment in path.Split('.'))
        {
            int bracket = segment.IndexOf('[', StringComparison.Ordinal);
            string key = bracket < 0 ? segment : segment[..bracket];
            if (!IsWord(key))
            {
                return null;
            }

            parts.Add(key);
            if (bracket >= 0 && !SplitIndices(segment.AsSpan(bracket), parts))
            {
                return null;
            }
        }

        return parts;
    }

    /// <summary>Joins what <see cref="Split"/> returned.</summary>
    internal static string Join(IEnumerable<object> parts)
    {
        string path = string.Empty;
        foreach (object part in parts)
        {
            path = part is int index ? Append(path, index) : Append(path, (string)part);
        }

        return path;
    }

    private static bool SplitIndices(ReadOnlySpan<char> text, List<object> parts)
    {
        while (text.Length > 0)
        {
            int close = text.IndexOf(']');
            if (text[0] != '[' || close < 2
                || !int.TryParse(text[1..close], NumberStyles.None, CultureInfo.InvariantCulture, out int index))
            {
                return false;
            }

            parts.Add(index);
            text = text[(close + 1)..];
        }

        return true;
    }

    private static bool IsWord(string key)
    {
        foreach (Rune rune in key.EnumerateRunes())
        {
            if (!Rune.IsLetterOrDigit(rune) && rune.Value is not ('_' or '-'))
            {
                return false;
            }
        }

        return key.Length > 0;
    }
}
