namespace GenoSeq.Data;

/// <summary>One sequence of a genome: a chromosome, plasmid, scaffold or any other FASTA record.</summary>
/// <param name="Name">Unique name within its genome (the first word of the FASTA header).</param>
/// <param name="Length">Number of bases.</param>
public readonly record struct Contig(string Name, long Length);

/// <summary>A stretch of one contig, 0-based and half-open, as in BED.</summary>
/// <param name="Contig">Index of the contig in <see cref="GenomeSource.Contigs"/>.</param>
/// <param name="Start">First base, 0-based.</param>
/// <param name="End">One past the last base.</param>
public readonly record struct GenomeInterval(int Contig, long Start, long End)
{
    /// <summary>Number of bases.</summary>
    public long Length => End - Start;

    /// <summary>True if the two intervals share at least one base.</summary>
    public bool Overlaps(GenomeInterval other) => Contig == other.Contig && Start < other.End && other.Start < End;
}
