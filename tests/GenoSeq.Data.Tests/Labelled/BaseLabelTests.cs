using System.Text;

namespace GenoSeq.Data.Tests;

/// <summary>Labels of bases.</summary>
public sealed class BaseLabelTests
{
    private static readonly LabelledSetOptions s_perBase = new() { Kind = LabelKind.PerBase };

    [Theory]
    [InlineData("0121.", new[] { 0, 1, 2, 1, -1 })]
    [InlineData("0 1 2 1 -1", new[] { 0, 1, 2, 1, -1 })]
    [InlineData("0; 1;2 ;1;.", new[] { 0, 1, 2, 1, -1 })]
    public void Open_TextsOfAnyForm_GiveTheClassesOfTheBases(string text, int[] expected)
    {
        using LabelledSet set = Read($"sequence\tlabels\nACGTA\t{text}\nAC\t20\n");
        Assert.Equal(LabelKind.PerBase, set.Kind);
        Assert.Equal(["0", "1", "2"], set.LabelNames);
        Assert.Equal(expected, Classes(set, 0));
        Assert.Equal([2, 0], Classes(set, 1));
        Assert.Equal([2L, 2L, 2L], set.BaseCounts(LabelledPart.Train));
        int[] part = new int[2];
        set.CopyBaseClasses(0, 1, part);
        Assert.Equal(expected[1..3], part);
    }

    [Theory]
    [InlineData("ACGT\t010", "there are 3 labels for 4 bases", "line 2")]
    [InlineData("ACGT\t01011", "there are 5 labels for 4 bases", "line 2")]
    [InlineData("ACGT\t0 1 1", "there are 3 labels for 4 bases", "line 2")]
    [InlineData("ACGT\t0,1,,1", "the label of base 3 is empty", "line 2")]
    [InlineData("ACGT\t", "the label is empty", "line 2")]
    public void Open_LabelsThatDoNotFit_AreRefused(string row, string what, string where)
    {
        InputDataException e = Assert.Throws<InputDataException>(() => Read($"sequence\tlabels\n{row}\n"));
        Assert.Contains(what, e.What, StringComparison.Ordinal);
        Assert.Contains(where, e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_UnknownOrUnlearntLabel_NamesTheLine()
    {
        InputDataException e = Assert.Throws<InputDataException>(() => Read("sequence\tlabels\nAC\t01\nAC\t0N\n", s_perBase with { Classes = ["0", "1"] }));
        Assert.Contains("'N' is none of the 2 classes", e.What, StringComparison.Ordinal);
        Assert.Contains("line 3", e.Where, StringComparison.Ordinal);
        e = Assert.Throws<InputDataException>(() => Read("sequence\tlabels\tsplit\nAC\t01\ttrain\nAC\t02\ttest\n"));
        Assert.Contains("class '2' is missing in the training part", e.What, StringComparison.Ordinal);
        Assert.Contains("line 3", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void RequireTrainable_OneClassAtEveryBase_IsRefused()
    {
        using LabelledSet set = Read("sequence\tlabels\tsplit\nAC\t01\ttrain\nAC\t0.\ttest\n");
        InputDataException e = Assert.Throws<InputDataException>(() => LabelledChecks.RequireTrainable(set));
        Assert.Contains("every row of the test part has the class '0' at every base", e.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_PlacesWithTracks_LabelsTheirBases()
    {
        using var temp = new TempFolder();
        using FastaGenome genome = Genomes.Parse(">chr1\nACGTACGTACGTACGTACGT\n>chr2\nACGTACGTAC\n");
        string[] tracks = [temp.Write("exon.bed", "1\t2\t5\n1\t12\t14\nchr2\t0\t1\n"), temp.Write("site.bed.gz", "chr1\t4\t6\tx\t0\t+\nchr1\t13\t14\ty\t0\t-\n")];
        string table = temp.Write("places.tsv", "chrom\tstart\tend\tstrand\nchr1\t0\t10\t+\nchr1\t10\t15\t-\nchr1\t10\t15\t.\nchr2\t0\t3\t+\n");
        using LabelledSet set = LabelledSets.Open(table, new LabelledSetOptions { Genome = genome, Tracks = tracks });
        Assert.Equal(["none", "exon", "site"], set.LabelNames);
        Assert.Equal([0, 0, 1, 1, 2, 2, 0, 0, 0, 0], Classes(set, 0));
        // chr1:10-15 has the exon at 12 and the site of the other strand at 13; read from the other end.
        Assert.Equal([0, 2, 1, 0, 0], Classes(set, 1));
        Assert.Equal([0, 0, 1, 2, 0], Classes(set, 2));
        Assert.Equal([1, 0, 0], Classes(set, 3));
        Assert.Equal(5, set.GetLength(1));
        string wrong = temp.Write("far.bed", "chr2\t5\t11\n");
        Assert.Contains("beyond contig", Assert.Throws<InputDataException>(() => LabelledSets.Open(table, new LabelledSetOptions { Genome = genome, Tracks = [wrong] })).What, StringComparison.Ordinal);
        Assert.Throws<InputDataException>(() => LabelledSets.Open(temp.Write("s.tsv", "sequence\nACGT\n"), new LabelledSetOptions { Tracks = tracks }));
    }

    [Fact]
    public void Find_SameRowFromTheOtherEnd_HasTheSameLabels()
    {
        using LabelledSet set = Read("sequence\tlabels\tsplit\nAACG\t0012\ttrain\nCGTT\t2100\ttest\nCGTT\t0012\tdev\n");
        LabelledLeaks leaks = LabelledLeaks.Find(set);
        Assert.Equal(0, leaks.Shared[1].OtherLabel);
        Assert.Equal(1, leaks.Shared[0].RowsOfB);
        Assert.NotEqual(set.Sha256, Read("sequence\tlabels\tsplit\nAACG\t0012\ttrain\nCGTT\t2101\ttest\nCGTT\t0012\tdev\n").Sha256);
    }

    private static int[] Classes(LabelledSet set, int row)
    {
        int[] classes = new int[set.GetLength(row)];
        set.CopyBaseClasses(row, 0, classes);
        return classes;
    }

    private static LabelledSet Read(string text, LabelledSetOptions? options = null) =>
        LabelledSets.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), "set.tsv", options ?? s_perBase);
}
