namespace GenoSeq.Data.Tests;

public class NearestNamesTests
{
    [Fact]
    public void Find_MisspeltName_OrdersByEditDistance() =>
        Assert.Equal(["chr10", "chr1", "chr2"], NearestNames.Find("chr1O", ["scaffold", "chr2", "chr10", "chr1"]));

    [Fact]
    public void Find_ChrPrefixMissing_ComesFirst() =>
        Assert.Equal("chr12", NearestNames.Find("12", ["11", "2", "chr12"])[0]);

    [Theory]
    [InlineData("chr1", "1", true)]
    [InlineData("X", "chrX", true)]
    [InlineData("chr1", "chr1", false)]
    [InlineData("chr1", "2", false)]
    public void DifferByChrPrefix_Pairs_AreTold(string a, string b, bool expected) =>
        Assert.Equal(expected, NearestNames.DifferByChrPrefix(a, b));
}
