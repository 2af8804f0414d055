namespace GenoSeq.Data;

/// <summary>A BED line that outlives its reader.</summary>
/// <param name="Contig">Name of the contig.</param>
/// <param name="Start">First base, 0-based.</param>
/// <param name="End">One past the last base; equal to <paramref name="Start"/> for a place between two bases.</param>
public sealed record BedRecord(string Contig, long Start, long End)
{
    /// <summary>Line of the file, 1-based.</summary>
    public long Line { get; init; }

    /// <summary>Column 4, or null.</summary>
    public string? Name { get; init; }

    /// <summary>Column 5 if it is a whole number, or null.</summary>
    public long? Score { get; init; }

    /// <summary>Column 6.</summary>
    public Strand Strand { get; init; }

    /// <summary>Columns 7 and 8, or null where there are none or both are 0 (no thick part).</summary>
    public BedBlock? Thick { get; init; }

    /// <summary>Column 9 as text, or null.</summary>
    public string? ItemRgb { get; init; }

    /// <summary>Columns 10 to 12 in contig coordinates; empty where there are none.</summary>
    public IReadOnlyList<BedBlock> Blocks { get; init; } = [];

    /// <summary>Columns after the standard ones, as text.</summary>
    public IReadOnlyList<string> Extra { get; init; } = [];
}
