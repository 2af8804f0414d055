using System.Text;

namespace GenoSeq.Data.Tests.Vcf;

public sealed class VcfReaderTests
{
    private const string Head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

    private static List<VcfRecord> Read(string text, int piece = int.MaxValue)
    {
        using var stream = new TrickleStream(Encoding.UTF8.GetBytes(text), piece);
        using VcfReader reader = VcfReader.FromStream(stream, "v.vcf");
        var records = new List<VcfRecord>();
        while (reader.Read() is VcfRecord r)
        {
            records.Add(r);
        }
        return records;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void Read_Record_HasAllColumns(int piece)
    {
        VcfRecord r = Assert.Single(Read(
            Head.Replace("\n", "\r\n", StringComparison.Ordinal) + "\r\nchr1\t7\trs1;rs2\tAc\tG,<DEL>,*,A[2:7[\t1e2\tq10;s5\tDP=3;DB;AF=0.5,0.1;DPX=4;DP=9", piece));
        Assert.Equal(("chr1", 7L, 6L, 4L), (r.Contig, r.Position, r.Position0, r.Line));
        Assert.Equal(("rs1;rs2", "Ac", "G,<DEL>,*,A[2:7[", "q10;s5"), (Text(r.Id), Text(r.Ref), Text(r.Alt), Text(r.Filter)));
        Assert.Equal(100, r.Quality);
        Assert.Equal([VcfAlleleKind.Bases, VcfAlleleKind.Symbolic, VcfAlleleKind.Overlap, VcfAlleleKind.Breakend],
            Enumerable.Range(0, r.AltCount).Select(r.KindOfAlt));
        Assert.Equal("A[2:7[", Text(r.GetAlt(3)));
        Assert.True(r.TryGetInfo("DP", out string dp) && dp == "3");
        Assert.True(r.TryGetInfo("DB", out string flag) && flag.Length == 0);
        Assert.True(r.TryGetInfo("AF", out string af) && af == "0.5,0.1");
        Assert.False(r.TryGetInfo("D", out _));
        Assert.False(r.TryGetInfo("AFX", out _));
        VariantAllele allele = Assert.Single(r.Alleles());
        Assert.Equal(new VariantAllele("chr1", 6, "Ac"u8.ToArray(), "G"u8.ToArray()), allele);
        Assert.Equal("chr1:7 Ac>G", allele.ToString());
        Assert.Throws<ArgumentOutOfRangeException>(() => r.KindOfAlt(4));
    }

    [Theory]
    [InlineData(".", VcfAlleleKind.Missing)]
    [InlineData("<INS:ME:ALU>", VcfAlleleKind.Symbolic)]
    [InlineData("<*>", VcfAlleleKind.Symbolic)]
    [InlineData("]13:123456]T", VcfAlleleKind.Breakend)]
    [InlineData("C[<ctg1>:1[", VcfAlleleKind.Breakend)]
    [InlineData(".A", VcfAlleleKind.Breakend)]
    [InlineData("G.", VcfAlleleKind.Breakend)]
    [InlineData("gattaca", VcfAlleleKind.Bases)]
    public void KindOfAlt_EachKind(string alt, VcfAlleleKind kind)
    {
        VcfRecord r = Assert.Single(Read(Head + $"1\t0\t.\tN\t{alt}\t.\t.\t.\n"));
        Assert.Equal(kind, r.KindOfAlt(0));
        Assert.Null(r.Quality);
        Assert.Equal(kind == VcfAlleleKind.Bases ? 1 : 0, r.Alleles().Count());
        Assert.Equal(-1, r.Position0);
    }

    [Theory]
    [InlineData("1\tx\t.\tA\tC\t.\t.\t.", "'x' is no position", ", column 2")]
    [InlineData("1\t-1\t.\tA\tC\t.\t.\t.", "'-1' is no position", ", column 2")]
    [InlineData("1\t99999999999999999999\t.\tA\tC\t.\t.\t.", "'99999999999999999999' is no position", ", column 2")]
    [InlineData("\t1\t.\tA\tC\t.\t.\t.", "'' is no contig name", ", column 1")]
    [InlineData("a b\t1\t.\tA\tC\t.\t.\t.", "'a b' is no contig name", ", column 1")]
    [InlineData("1\t1\t\tA\tC\t.\t.\t.", "ID is empty", ", column 3")]
    [InlineData("1\t1\t.\t\tC\t.\t.\t.", "'' is no REF", ", column 4")]
    [InlineData("1\t1\t.\t.\tC\t.\t.\t.", "'.' is no REF", ", column 4")]
    [InlineData("1\t1\t.\tAX\tC\t.\t.\t.", "'AX' is no REF", ", column 4")]
    [InlineData("1\t1\t.\tA\t\t.\t.\t.", "'' is no ALT allele", ", column 5")]
    [InlineData("1\t1\t.\tA\tC,\t.\t.\t.", "'' is no ALT allele", ", column 5")]
    [InlineData("1\t1\t.\tA\tC,.\t.\t.\t.", "'.' is no ALT allele", ", column 5")]
    [InlineData("1\t1\t.\tA\t<DEL\t.\t.\t.", "'<DEL' is no ALT allele", ", column 5")]
    [InlineData("1\t1\t.\tA\tA[1:2]\t.\t.\t.", "'A[1:2]' is no ALT allele", ", column 5")]
    [InlineData("1\t1\t.\tA\t[1:2[\t.\t.\t.", "'[1:2[' is no ALT allele", ", column 5")]
    [InlineData("1\t1\t.\tA\tC\thigh\t.\t.", "'high' is no QUAL", ", column 6")]
    [InlineData("1\t1\t.\tA\tC\tNaN\t.\t.", "'NaN' is no QUAL", ", column 6")]
    [InlineData("1\t1\t.\tA\tC\t.\t\t.", "FILTER is empty", ", column 7")]
    [InlineData("1\t1\t.\tA\tC\t.\t.\t", "INFO is empty", ", column 8")]
    [InlineData("1\t1\t.\tA\tC\t.\t.", "the record has 7 columns", "")]
    [InlineData("1\t1\t.\tA\tC\t.\t.\t.\tGT", "the record has 9 columns", "")]
    [InlineData("1 1 . A C . . .", "the record has 1 columns", "")]
    [InlineData("##x", "a header line among the records", "")]
    public void Read_MalformedRecord_SaysWhatAndWhere(string record, string what, string column)
    {
        var e = Assert.Throws<InputDataException>(() => Read(Head + "1\t1\t.\tA\tC\t.\t.\t.\n" + record + "\n"));
        Assert.Equal((what, "v.vcf, line 4" + column), (e.What, e.Where));
    }

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("#CHROM\tPOS\n", "the first line names no file format")]
    [InlineData("##fileformat=VCFv3.3\n", "'VCFv3.3' is no version that can be read")]
    [InlineData("##fileformat=VCFv4.2\n##x\n", "there is no line #CHROM before the first record")]
    [InlineData("##fileformat=VCFv4.2\n1\t1\t.\tA\tC\t.\t.\t.\n", "there is no line #CHROM before the first record")]
    [InlineData("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\n", "the column INFO is missing")]
    [InlineData("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tS1\n", "column 9 is 'S1'")]
    [InlineData("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tA\n", "two samples are named 'A'")]
    [InlineData("BCF\u0002\u0002", "this is a BCF file")]
    public void Open_MalformedHeader_SaysWhat(string text, string what) =>
        Assert.Equal(what, Assert.Throws<InputDataException>(() => Read(text)).What);

    [Fact]
    public void Open_Gzip_ReadsHeader()
    {
        using var temp = new TempFolder();
        using VcfReader reader = VcfReader.Open(temp.Write("a.vcf.gz", TempFolder.Gzip("##fileformat=VCFv4.3\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tNA1\n1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\n")));
        Assert.Equal("VCFv4.3", reader.Header.Version);
        Assert.Equal(["NA1"], reader.Header.Samples);
        Assert.Equal(2, reader.Header.Lines.Count);
        Assert.NotNull(reader.Read());
        Assert.Null(reader.Read());
    }

    [Theory]
    [InlineData("A", "C", 10, "A", "C", 10)]
    [InlineData("TAAA", "TA", 10, "AA", "", 11)]
    [InlineData("T", "TGG", 10, "", "GG", 11)]
    [InlineData("GCA", "gTA", 10, "C", "T", 11)]
    [InlineData("AA", "AA", 10, "", "", 10)]
    public void Trimmed_SharedBases_AreTakenOff(string r, string a, long position, string r2, string a2, long position2)
    {
        VariantAllele trimmed = new VariantAllele("1", position, Encoding.ASCII.GetBytes(r), Encoding.ASCII.GetBytes(a)).Trimmed();
        Assert.Equal((r2, a2, position2), (Text(trimmed.Ref.Span), Text(trimmed.Alt.Span), trimmed.Position0));
    }

    [Theory]
    [InlineData("chr1", 0, "acg", ReferenceMatch.Equal)]
    [InlineData("1", 0, "ACG", ReferenceMatch.Equal)]
    [InlineData("chr1", 0, "ACC", ReferenceMatch.Different)]
    [InlineData("chr1", 3, "ANR", ReferenceMatch.Compatible)]
    [InlineData("chr1", 5, "C", ReferenceMatch.Different)]
    [InlineData("chr1", 5, "A", ReferenceMatch.Compatible)]
    [InlineData("chr1", 5, "R", ReferenceMatch.Equal)]
    [InlineData("chr1", 5, "RA", ReferenceMatch.OutsideContig)]
    [InlineData("chr1", -1, "N", ReferenceMatch.OutsideContig)]
    [InlineData("chr1", 999999999999999998, "N", ReferenceMatch.OutsideContig)]
    [InlineData("chr2", 0, "N", ReferenceMatch.MissingContig)]
    public void Compare_Bases_TellsHowTheyMatch(string contig, long position, string bases, ReferenceMatch match)
    {
        using FastaGenome genome = Genomes.Parse(">chr1\nACGnCR\n");
        Assert.Equal(match, ReferenceCheck.Compare(genome, contig, position, Encoding.ASCII.GetBytes(bases)));
    }

    [Fact]
    public void Run_Records_AreCounted()
    {
        using FastaGenome genome = Genomes.Parse(">1\nACGT\n");
        ReferenceCheck check = ReferenceCheck.Run(
            Read(Head + "1\t1\t.\tA\tC\t.\t.\t.\n1\t2\t.\tA\tC\t.\t.\t.\n1\t5\t.\tA\tC\t.\t.\t.\n2\t1\t.\tA\tC\t.\t.\t.\n1\t4\t.\tN\tC\t.\t.\t.\n"), genome);
        Assert.Equal((1L, 1L, 1L, 1L, 1L), (check.Equal, check.Compatible, check.Different, check.OutsideContig, check.MissingContig));
        Assert.Equal(4, check.FirstDifferent!.Line);
    }
}
