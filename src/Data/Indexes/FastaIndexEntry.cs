namespace GenoSeq.Data;

/// <summary>One line of a <c>.fai</c> index: where the bases of a record lie and how its lines are cut.</summary>
/// <param name="Name">The header's first word.</param>
/// <param name="Length">Number of bases.</param>
/// <param name="Offset">Bytes before the first base, counted in the decompressed file.</param>
/// <param name="LineBases">Bases on every line but the last.</param>
/// <param name="LineWidth">Bytes of such a line, its line end included.</param>
/// <param name="QualityOffset">Bytes before the first quality value of a FASTQ record; -1 for FASTA.</param>
public readonly record struct FastaIndexEntry(
    string Name, long Length, long Offset, long LineBases, long LineWidth, long QualityOffset = -1)
{
    /// <summary>Bytes before base <paramref name="position"/> (0-based, below <see cref="Length"/>).</summary>
    public long OffsetOf(long position) =>
        Offset + (position / LineBases * LineWidth) + (position % LineBases);

    /// <summary>One past the byte of the last base; <see cref="Offset"/> for an empty record.</summary>
    public long EndOffset => Length == 0 ? Offset : OffsetOf(Length - 1) + 1;

    // As EndOffset, for numbers that are not trusted yet. Of any long values the result fits.
    internal Int128 EndFrom(long offset) => Length == 0
        ? offset
        : offset + ((Int128)((Length - 1) / LineBases) * LineWidth) + ((Length - 1) % LineBases) + 1;
}
