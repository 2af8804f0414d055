using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>One alternative of a record.</summary>
/// <param name="Text">As it stands in the file.</param>
/// <param name="Status">Scored: it is bases, and may be scored; else why it cannot be.</param>
/// <param name="Allele">The change; meaningless where it cannot be scored.</param>
public readonly record struct VariantAlternative(string Text, VariantStatus Status, VariantAllele Allele);

/// <summary>A record of a file of variants.</summary>
/// <param name="Contig">Name of the contig.</param>
/// <param name="Position0">0-based place of the reference's first base.</param>
/// <param name="Id">Its identifier; <c>.</c> for none.</param>
/// <param name="Ref">The reference's bases as they stand in the file.</param>
/// <param name="Alternatives">At least one.</param>
/// <param name="Line">Line of the file, 1-based.</param>
public sealed record VariantRecord(string Contig, long Position0, string Id, string Ref, IReadOnlyList<VariantAlternative> Alternatives, long Line)
{
    /// <summary>The whole line of a VCF file; empty for tables.</summary>
    public ReadOnlyMemory<byte> Text { get; init; }

    /// <summary>The fields of a table's row; empty for VCF files.</summary>
    public IReadOnlyList<string> Fields { get; init; } = [];

    /// <summary>What is known of the variant, where it was asked for and is there.</summary>
    public string? Label { get; init; }

    /// <summary>Bases of the reference.</summary>
    internal ReadOnlyMemory<byte> RefBases { get; init; }
}

/// <summary>A file of variants.</summary>
public abstract class VariantSource
{
    /// <summary>Its name.</summary>
    public required string Path { get; init; }

    /// <summary>Names of the columns that are handed through; none for VCF files.</summary>
    public abstract IReadOnlyList<string> Columns { get; }

    /// <summary>The records in order; may be called again, unless the file is standard input.</summary>
    /// <exception cref="InputDataException">While enumerating: a record is malformed.</exception>
    public abstract IEnumerable<VariantRecord> Read();
}
