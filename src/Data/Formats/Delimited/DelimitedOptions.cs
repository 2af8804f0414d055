namespace GenoSeq.Data;

/// <summary>How a CSV or TSV file is read.</summary>
public sealed record DelimitedOptions
{
    /// <summary>The character between columns; null: tab, comma or semicolon, found in the first ten lines.</summary>
    public char? Delimiter { get; init; }

    /// <summary>True if the first line names the columns; otherwise they are named 1, 2, 3 and so on.</summary>
    public bool HasHeader { get; init; } = true;

    /// <summary>Largest record in bytes, quotes included: a guard against a quote that is never closed.</summary>
    public int MaxRecordBytes { get; init; } = 1 << 28;

    /// <summary>Every problem of these options.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Delimiter is char d && (d is '"' or '\r' or '\n' or '\0' || d > 0x7F))
        {
            problems.Add("Delimiter must be an ASCII character that is no quote and no line end");
        }
        if (MaxRecordBytes < 1 || MaxRecordBytes > Array.MaxLength - 2)
        {
            problems.Add($"MaxRecordBytes must be between 1 and {Array.MaxLength - 2}");
        }
        return problems;
    }
}
