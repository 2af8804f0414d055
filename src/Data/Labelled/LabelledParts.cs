namespace GenoSeq.Data;

/// <summary>The names that parts go by in files, folders and columns.</summary>
internal static class LabelledParts
{
    internal const string Expected = "train, dev (or valid, val, validation) or test";

    private static readonly (string Name, LabelledPart Part)[] s_names =
    [
        ("train", LabelledPart.Train), ("training", LabelledPart.Train),
        ("dev", LabelledPart.Dev), ("valid", LabelledPart.Dev), ("val", LabelledPart.Dev), ("validation", LabelledPart.Dev),
        ("test", LabelledPart.Test), ("testing", LabelledPart.Test),
    ];

    internal static LabelledPart? Parse(ReadOnlySpan<byte> text)
    {
        foreach ((string name, LabelledPart part) in s_names)
        {
            if (text.Length == name.Length && System.Text.Ascii.EqualsIgnoreCase(text, name))
            {
                return part;
            }
        }
        return null;
    }

    internal static LabelledPart? Parse(string text)
    {
        foreach ((string name, LabelledPart part) in s_names)
        {
            if (string.Equals(text, name, StringComparison.OrdinalIgnoreCase))
            {
                return part;
            }
        }
        return null;
    }

    /// <summary>
    /// Part and task of a file name: <c>train</c>, or <c>TASK_train</c> with <c>_</c>, <c>-</c> or <c>.</c> between, and one
    /// of the endings of tables and FASTA; null if it is none.
    /// </summary>
    internal static (LabelledPart Part, string Task)? OfFile(string path)
    {
        string stem = Stem(path, out bool known);
        if (!known)
        {
            return null;
        }
        if (Parse(stem) is LabelledPart whole)
        {
            return (whole, "");
        }
        int i = stem.LastIndexOfAny(['_', '-', '.']);
        return i > 0 && Parse(stem[(i + 1)..]) is LabelledPart part ? (part, stem[..i]) : null;
    }

    /// <summary>File name without the endings of compression, tables and FASTA.</summary>
    internal static string Stem(string path, out bool known)
    {
        string name = Path.GetFileName(path);
        if (name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".bgz", StringComparison.OrdinalIgnoreCase))
        {
            name = Path.GetFileNameWithoutExtension(name);
        }
        known = Path.GetExtension(name).ToLowerInvariant() is ".csv" or ".tsv" or ".tab" or ".txt" or ".fa" or ".fasta" or ".fna" or ".fas";
        return known ? Path.GetFileNameWithoutExtension(name) : name;
    }
}
