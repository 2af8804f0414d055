namespace GenoSeq.Data.Tests;

public sealed class BedSplitTests : IDisposable
{
    private static readonly FastaGenome s_genome =
        Genomes.Parse($">chr1\n{new string('A', 1000)}\n>chr2\n{new string('C', 500)}\n");

    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    private GenomeSplit Split(string bed, bool ignoreMissing = false) => GenomeSplit.Create(
        s_genome, new SplitOptions { BedFile = _temp.Write("s.bed", bed), IgnoreMissingContigs = ignoreMissing });

    [Theory]
    [InlineData("chr1\t0\t100\ttrain\nchr2\t5\t50\tvalid\nchr1\t100\t200\ttest\n")]
    [InlineData("# c\r\ntrack\r\nchr1\t0\t100\tTrain\tx\r\n\r\nchr2\t5\t50\tvalidation\r\nchr1\t100\t200\ttest")]
    [InlineData("browser position\nchr1 0 100 train\nchr2  5 50 val\nchr1 100 200 test\n")]
    public void Read_GoodFile_GivesThreeParts(string bed)
    {
        GenomeSplit split = Split(bed);
        Assert.Equal([new GenomeInterval(0, 0, 100)], split.Train);
        Assert.Equal([new GenomeInterval(1, 5, 50)], split.Validation);
        Assert.Equal([new GenomeInterval(0, 100, 200)], split.Test);
        Assert.Empty(split.Warnings);
    }

    [Fact]
    public void Read_Gzip_Works()
    {
        string path = _temp.Write("s.bed.gz", TempFolder.Gzip("chr1\t0\t100\ttrain\n"));
        Assert.Single(GenomeSplit.Create(s_genome, new SplitOptions { BedFile = path }).Train);
    }

    [Fact]
    public void Read_EndBeyondContig_IsClippedWithWarning()
    {
        GenomeSplit split = Split("chr2\t400\t600\ttrain\n");
        Assert.Equal([new GenomeInterval(1, 400, 500)], split.Train);
        Assert.Equal("line 1: end 600 is beyond contig 'chr2' of 500 bases and was clipped",
            Assert.Single(split.Warnings));
    }

    [Theory]
    [InlineData("chr1\t0\t100\n", "the line has 3 columns", 1)]
    [InlineData("chr1\t0\t100\ttrain\nchr1\t200\t300\tdev\n", "unknown split 'dev'", 2)]
    [InlineData("chr1\t-5\t100\ttrain\n", "'-5' is no start position", 1)]
    [InlineData("chr1\t5\t1e3\ttrain\n", "'1e3' is no end position", 1)]
    [InlineData("chr1\t100\t100\ttrain\n", "start 100 is not before end 100", 1)]
    [InlineData("chr2\t500\t600\ttrain\n", "start 500 is beyond the contig's 500 bases", 1)]
    [InlineData("chr1\t0\t99999999999999999999\ttrain\n", "'99999999999999999999' is no end position", 1)]
    public void Read_BadLine_SaysWhatAndWhere(string bed, string what, int line)
    {
        var e = Assert.Throws<InputDataException>(() => Split(bed));
        Assert.Equal(what, e.What);
        Assert.Contains($"s.bed, line {line}", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_MissingContig_NamesClosestAndChrPrefix()
    {
        var e = Assert.Throws<InputDataException>(() => Split("1\t0\t100\ttrain\n"));
        Assert.Equal("the genome has no contig '1'", e.What);
        Assert.Contains("closest are 'chr1', 'chr2'", e.Expected, StringComparison.Ordinal);
        Assert.Contains("they differ by the prefix 'chr'", e.Try, StringComparison.Ordinal);
        GenomeSplit split = Split("1\t0\t100\ttrain\n1\t100\t120\ttest\nchr1\t0\t100\ttrain\n", ignoreMissing: true);
        Assert.Equal("contig '1' is not in the genome; 2 lines were left out", Assert.Single(split.Warnings));
    }

    [Fact]
    public void Read_OverlapOfSplits_NamesBothLines()
    {
        var e = Assert.Throws<InputDataException>(() =>
            Split("chr1\t0\t500\ttrain\nchr1\t10\t20\ttrain\nchr1\t499\t600\tvalid\n"));
        Assert.Contains("overlap on 'chr1': 0-500 and 499-600", e.What, StringComparison.Ordinal);
        Assert.EndsWith("lines 1 and 3", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_RandomIntervals_OverlapIsFoundExactlyWhenThereIsOne()
    {
        var random = new Random(6);
        int overlapping = 0;
        for (int round = 0; round < 500; round++)
        {
            var rows = new List<(int Start, int End, string Part)>();
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                int start = random.Next(900);
                rows.Add((start, start + random.Next(1, 100), random.Next(2) == 0 ? "train" : "valid"));
            }
            rows.Add((990, 1000, "train"));
            bool expected = rows.Exists(a => rows.Exists(b => a.Part != b.Part && a.Start < b.End && b.Start < a.End));
            overlapping += expected ? 1 : 0;
            string bed = string.Concat(rows.Select(r => $"chr1\t{r.Start}\t{r.End}\t{r.Part}\n"));
            Assert.Equal(expected, Record.Exception(() => Split(bed)) is InputDataException);
        }
        Assert.InRange(overlapping, 50, 450);
    }

    [Theory]
    [InlineData("")]
    [InlineData("chr1\t0\t100\tvalid\n")]
    public void Read_NothingToTrainOn_SaysSo(string bed) =>
        Assert.Equal("no interval is marked 'train'", Assert.Throws<InputDataException>(() => Split(bed)).What);

    [Fact]
    public void Read_Binary_SaysSo() =>
        Assert.Contains("binary", Assert.Throws<InputDataException>(() => Split("\0\u0001\n")).What,
            StringComparison.Ordinal);

    [Fact]
    public void Read_MissingFile_SaysSo() => Assert.Equal(
        "file not found",
        Assert.Throws<InputDataException>(
            () => GenomeSplit.Create(s_genome, new SplitOptions { BedFile = "no.bed" })).What);

    [Fact]
    public void Read_MutatedFile_OnlyEverThrowsInputDataException()
    {
        var random = new Random(9);
        const string good = "# c\nchr1\t0\t100\ttrain\nchr2\t5\t50\tvalid\r\nchr1\t100\t1200\ttest\n";
        int refused = 0;
        for (int round = 0; round < 3000; round++)
        {
            char[] text = good.ToCharArray();
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                char edit = random.Next(2) == 0 ? (char)random.Next(256) : "\t\n 09-c"[random.Next(7)];
                text[random.Next(text.Length)] = edit;
            }
            Exception? e = Record.Exception(() => Split(new string(text)));
            Assert.True(e is null or InputDataException, e?.ToString());
            refused += e is null ? 0 : 1;
        }
        Assert.InRange(refused, 500, 2900);
    }
}
