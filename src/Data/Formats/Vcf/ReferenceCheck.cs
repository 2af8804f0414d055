using System.Buffers;

namespace GenoSeq.Data;

/// <summary>
/// Compares REF alleles with a genome: the test that a VCF file and a FASTA file are of the same assembly.
/// </summary>
/// <param name="Equal">Records whose REF is what the genome has.</param>
/// <param name="Compatible">Records where an ambiguity code on one side stands for the other.</param>
/// <param name="Different">Records that contradict the genome.</param>
/// <param name="OutsideContig">Records that lie outside their contig.</param>
/// <param name="MissingContig">Records of contigs that the genome lacks.</param>
/// <param name="FirstDifferent">The first record that is neither equal nor compatible, or null.</param>
public sealed record ReferenceCheck(
    long Equal, long Compatible, long Different, long OutsideContig, long MissingContig, VcfRecord? FirstDifferent)
{
    private const int OnStack = 256;

    // Bit sets of A, C, G, T for each IUPAC letter.
    private static readonly byte[] s_bases = BuildBases();

    /// <summary>Number of records.</summary>
    public long Total => Equal + Compatible + Different + OutsideContig + MissingContig;

    /// <summary>Compares all records.</summary>
    public static ReferenceCheck Run(IEnumerable<VcfRecord> records, GenomeSource genome)
    {
        ArgumentNullException.ThrowIfNull(records);
        ArgumentNullException.ThrowIfNull(genome);
        var counts = new long[5];
        VcfRecord? first = null;
        foreach (VcfRecord record in records)
        {
            ReferenceMatch match = Compare(genome, record.Contig, record.Position0, record.Ref);
            counts[(int)match]++;
            first ??= match > ReferenceMatch.Compatible ? record : null;
        }
        return new ReferenceCheck(counts[0], counts[1], counts[2], counts[3], counts[4], first);
    }

    /// <summary>Compares one variant.</summary>
    public static ReferenceMatch Compare(GenomeSource genome, VariantAllele variant) =>
        Compare(genome, variant.Contig, variant.Position0, variant.Ref.Span);

    /// <summary>Compares bases with the genome at a place.</summary>
    /// <param name="genome">The genome; a contig name that differs by the prefix <c>chr</c> alone is found.</param>
    /// <param name="contig">Name of the contig.</param>
    /// <param name="position0">0-based index of the first base.</param>
    /// <param name="bases">The bases.</param>
    public static ReferenceMatch Compare(GenomeSource genome, string contig, long position0, ReadOnlySpan<byte> bases)
    {
        int index = ContigAlias.IndexOf(genome, contig);
        if (index < 0)
        {
            return ReferenceMatch.MissingContig;
        }
        if (position0 < 0 || bases.Length > genome.LengthOf(index) || position0 > genome.LengthOf(index) - bases.Length)
        {
            return ReferenceMatch.OutsideContig;
        }
        byte[]? rented = bases.Length > OnStack ? ArrayPool<byte>.Shared.Rent(bases.Length) : null;
        Span<byte> there = rented is null ? stackalloc byte[OnStack] : rented;
        there = there[..bases.Length];
        genome.Read(index, position0, there);
        ReferenceMatch match = Compare(there, bases);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
        return match;
    }

    private static ReferenceMatch Compare(ReadOnlySpan<byte> genome, ReadOnlySpan<byte> bases)
    {
        var match = ReferenceMatch.Equal;
        for (int i = 0; i < bases.Length; i++)
        {
            byte a = s_bases[genome[i]];
            byte b = s_bases[bases[i]];
            if (a == b && a != 0)
            {
                continue;
            }
            if ((a & b) == 0)
            {
                return ReferenceMatch.Different;
            }
            match = ReferenceMatch.Compatible;
        }
        return match;
    }

    private static byte[] BuildBases()
    {
        var table = new byte[256];
        const string letters = "ACGTUMRWSYKVHDBN";
        ReadOnlySpan<byte> sets = [1, 2, 4, 8, 8, 3, 5, 9, 6, 10, 12, 7, 11, 13, 14, 15];
        for (int i = 0; i < letters.Length; i++)
        {
            table[letters[i]] = table[char.ToLowerInvariant(letters[i])] = sets[i];
        }
        return table;
    }
}
