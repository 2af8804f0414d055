namespace GenoSeq.Data;

/// <summary>How BGZF is written.</summary>
public sealed record BgzfWriterOptions
{
    /// <summary>0 (stored) to 9 (smallest).</summary>
    public int Level { get; init; } = 6;

    /// <summary>Threads that compress; 0 chooses by the machine, at most 8. The bytes written do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>Whether the stream underneath stays open.</summary>
    public bool LeaveOpen { get; init; }

    /// <summary>Every problem of the values, none if all are usable.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Level is < 0 or > 9)
        {
            problems.Add($"level is {Level}; expected 0 (stored) to 9 (smallest)");
        }
        if (Threads is < 0 or > InputFileOptions.MaxThreads)
        {
            problems.Add($"threads is {Threads}; expected 0 (automatic) to {InputFileOptions.MaxThreads}");
        }
        return problems;
    }
}
