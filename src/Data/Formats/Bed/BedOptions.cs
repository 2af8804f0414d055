namespace GenoSeq.Data;

/// <summary>How strictly a BED file is read.</summary>
public sealed record BedOptions
{
    /// <summary>
    /// 3, 4, 5, 6, 8, 9 or 12: every line has at least so many columns, all of them as UCSC defines them (score 0 to
    /// 1000), and what follows is text. Null: found on each line, as described at <see cref="BedReader"/>.
    /// </summary>
    public int? StandardColumns { get; init; }

    /// <summary>True if lines of one track may have different numbers of columns.</summary>
    public bool AllowRaggedLines { get; init; }

    /// <summary>Longest line in bytes.</summary>
    public int MaxLineBytes { get; init; } = LineReader.DefaultMaxLine;

    /// <summary>Every problem of these options.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (StandardColumns is int n && n is not (3 or 4 or 5 or 6 or 8 or 9 or 12))
        {
            problems.Add("StandardColumns must be 3, 4, 5, 6, 8, 9 or 12");
        }
        if (MaxLineBytes < 1 || MaxLineBytes > Array.MaxLength - 2)
        {
            problems.Add($"MaxLineBytes must be between 1 and {Array.MaxLength - 2}");
        }
        return problems;
    }
}
