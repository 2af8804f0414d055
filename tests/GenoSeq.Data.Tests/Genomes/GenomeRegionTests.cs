using System.Text;

namespace GenoSeq.Data.Tests;

public class GenomeRegionTests
{
    private static readonly FastaGenome s_genome = Genomes.Parse(">chr1\nAACCGGTTNN\n>HLA:1\nACGT\n>x\nAC\n>x:1-2\nGGG\n>y:3\nT\n");

    [Theory]
    [InlineData("chr1", 0, 0, 10)]
    [InlineData("chr1:3-4", 0, 2, 4)]
    [InlineData("chr1:3", 0, 2, 10)]
    [InlineData("chr1:3-", 0, 2, 10)]
    [InlineData("chr1:-4", 0, 0, 4)]
    [InlineData("chr1:0,003-0,000,004", 0, 2, 4)]
    [InlineData("chr1:3-9999999999999", 0, 2, 10)]
    [InlineData("HLA:1", 1, 0, 4)]
    [InlineData("HLA:1:2-3", 1, 1, 3)]
    [InlineData("{HLA:1}:2-3", 1, 1, 3)]
    [InlineData("{x}:1-2", 2, 0, 2)]
    [InlineData("{x:1-2}", 3, 0, 3)]
    [InlineData("y:3", 4, 0, 1)]
    public void Parse_Region_GivesTheInterval(string region, int contig, long start, long end) =>
        Assert.Equal(new GenomeInterval(contig, start, end), GenomeRegion.Parse(region, s_genome));

    [Theory]
    [InlineData("chr2:1-3", "the genome has no contig 'chr2'")]
    [InlineData("chr", "the genome has no contig 'chr'")]
    [InlineData("", "the genome has no contig ''")]
    [InlineData("chr1:", "no position after the name")]
    [InlineData("chr1:0-3", "'0' is no position")]
    [InlineData("chr1:a-3", "'a' is no position")]
    [InlineData("chr1:1-2-3", "'2-3' is no position")]
    [InlineData("chr1:5-4", "the region ends at 4, before it begins at 5")]
    [InlineData("chr1:11-12", "the region begins at 11, contig 'chr1' ends at 10")]
    [InlineData("chr1:99999999999999999999", "'99999999999999999999' is no position")]
    [InlineData("x:1-2", "'x:1-2' is a contig's name, and a region of contig 'x'")]
    [InlineData("{x}1", "'1' after the name")]
    [InlineData("{q}:1", "the genome has no contig 'q'")]
    public void Parse_BadRegion_SaysWhy(string region, string what) =>
        Assert.Equal(what, Assert.Throws<InputDataException>(() => GenomeRegion.Parse(region, s_genome)).What);

    [Fact]
    public void Read_MinusStrand_IsReverseComplement()
    {
        GenomeInterval interval = GenomeRegion.Parse("chr1:2-9", s_genome);
        Assert.Equal("ACCGGTTN", Encoding.ASCII.GetString(GenomeRegion.Read(s_genome, interval)));
        Assert.Equal("NAACCGGT", Encoding.ASCII.GetString(GenomeRegion.Read(s_genome, interval, minusStrand: true)));
    }
}
