namespace GenoSeq.Data;

/// <summary>What an output file may replace.</summary>
public sealed record OutputOptions
{
    /// <summary>Whether an existing file may be replaced.</summary>
    public bool Force { get; init; }

    /// <summary>Files that are being read: none of them may be the output, forced or not.</summary>
    public IReadOnlyList<string> Inputs { get; init; } = [];
}
