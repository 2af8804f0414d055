using System.Text;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>VCF: header, records, every part that is taken when asked for, and the comparison with a genome.</summary>
public static class VcfFuzz
{
    private static readonly FastaGenome s_genome = Genomes.Parse(">chr1\nACGTNNACGT\n>2\nGGGG\n");

    internal static IReadOnlyList<byte[]> Seeds { get; } =
    [
        Encoding.UTF8.GetBytes("##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
            + "chr1\t1\trs1\tA\tC,<DEL>,*,A[2:7[\t1e2\tPASS\tDP=3;DB\tGT\t0/1\nchr2\t0\t.\tN\t.\t.\t.\t.\t.\t.\n"),
        Encoding.UTF8.GetBytes("##fileformat=VCFv4.4\r\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\r\n2\t2\t.\tGG\tG.\t.\tq;s\tA=;B\r\n"),
    ];

    /// <summary>Reads all of an input.</summary>
    public static void Run(ReadOnlySpan<byte> data)
    {
        using InputFile file = InputFile.FromStream(new MemoryStream(data.ToArray()), "fuzz");
        using VcfReader reader = VcfReader.FromStream(file.Content, "fuzz");
        while (reader.Read() is VcfRecord r)
        {
            _ = r.Quality;
            _ = r.Id.Length + r.Filter.Length;
            r.TryGetInfo("DP", out _);
            for (int i = 0; i < r.AltCount; i++)
            {
                _ = r.KindOfAlt(i);
            }
            foreach (VariantAllele allele in r.Alleles())
            {
                ReferenceCheck.Compare(s_genome, allele.Trimmed());
            }
            ReferenceCheck.Compare(s_genome, r.Contig, r.Position0, r.Ref);
        }
    }
}
