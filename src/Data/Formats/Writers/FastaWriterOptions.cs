namespace GenoSeq.Data;

/// <summary>How FASTA is written.</summary>
public sealed record FastaWriterOptions
{
    /// <summary>Bases on a line; 0 puts a record's bases on one line. 60 as in samtools and seqkit.</summary>
    public int LineWidth { get; init; } = 60;

    /// <summary>Level and threads where the name asks for BGZF.</summary>
    public BgzfWriterOptions Bgzf { get; init; } = new();

    /// <summary>Whether a <c>.gzi</c> index is written beside a BGZF file.</summary>
    public bool WriteIndex { get; init; }

    /// <summary>What may be replaced.</summary>
    public OutputOptions Output { get; init; } = new();

    /// <summary>Every problem of the values, none if all are usable.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (LineWidth < 0)
        {
            problems.Add($"line_width is {LineWidth}; expected 0 (one line) or more");
        }
        problems.AddRange(Bgzf.Validate());
        return problems;
    }
}
