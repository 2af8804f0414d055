using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace GenoSeq.Data.Tests.Bed;

public sealed class BedReaderTests
{
    private static List<BedRecord> Read(string text, BedOptions? options = null, int piece = int.MaxValue)
    {
        using var stream = new TrickleStream(Encoding.UTF8.GetBytes(text), piece);
        using BedReader reader = BedReader.FromStream(stream, "a.bed", options);
        var records = new List<BedRecord>();
        while (reader.Read())
        {
            records.Add(reader.ToRecord());
        }
        return records;
    }

    [Theory]
    [InlineData("chr1\t5\t10\tx\t7\t-\n")]
    [InlineData("# c\nbrowser hide all\ntrack name=\"a b\"\n\nchr1\t5\t10\tx\t7\t-\r\n")]
    [InlineData("chr1 5  10   x 7 -   ")]
    [InlineData("\uFEFFchr1\t5\t10\tx\t7\t-\t\t\r")]
    [InlineData("track\nchr1\t5\t10\tx\t7\t-")]
    [InlineData("track offset=-5\nchr1\t10\t15\tx\t7\t-")]
    public void Read_SixColumns_InAnyLayout(string text)
    {
        BedRecord r = Assert.Single(Read(text));
        Assert.Equal(("chr1", 5L, 10L, "x", 7L, Strand.Reverse), (r.Contig, r.Start, r.End, r.Name, r.Score!.Value, r.Strand));
        Assert.Empty(r.Extra);
        Assert.Null(r.Thick);
    }

    [Fact]
    public void Read_TwelveColumns_GivesBlocksInContigCoordinates()
    {
        BedRecord r = Assert.Single(Read("c\t100\t200\tg\t0\t+\t110\t190\t255,0,9\t3\t10,0,20,\t0,40,80,\textra\tmore\n"));
        Assert.Equal(new BedBlock(110, 190), r.Thick);
        Assert.Equal("255,0,9", r.ItemRgb);
        Assert.Equal([new BedBlock(100, 110), new BedBlock(140, 140), new BedBlock(180, 200)], r.Blocks);
        Assert.Equal(["extra", "more"], r.Extra);
    }

    [Theory]
    [InlineData("chr1\t0\t9\t1.25", 4, 0)] // bedGraph
    [InlineData("chr1\t0\t9\tp\t0\t.\t182.5\t5.0945\t-1\t50", 6, 4)] // narrowPeak
    [InlineData("chr1\t0\t9\tp\t0\t.\t182\t5\t-1\t5", 6, 4)] // narrowPeak, whole numbers
    [InlineData("chr1\t0\t9\tp\t0\t.\t182\t5.0\t-1", 6, 3)] // broadPeak
    [InlineData("chr1\t0\t9\tp\t1e-5\t+\tgene", 6, 1)]
    [InlineData("chr1\t0\t9\tp\twhy\t11\tfoo", 5, 2)]
    [InlineData("chr1\t0\t9\tp\t5\t+\t0\t0\t0", 9, 0)]
    [InlineData("chr1\t0\t9\tp\t5\t*", 6, 0)]
    public void Read_OtherColumns_StayText(string line, int standard, int extra)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(line));
        using BedReader reader = BedReader.FromStream(stream, "a.bed");
        Assert.True(reader.Read());
        Assert.Equal(standard, reader.StandardColumns);
        Assert.Equal(extra, reader.ToRecord().Extra.Count);
    }

    [Theory]
    [InlineData("chr1\t5\n", "the line has 2 columns", "line 1")]
    [InlineData("chr1\n", "the line has 1 column", "line 1")]
    [InlineData("c\t1\t2\nc\t1\t2\tx\n", "the line has 4 columns", "line 2")]
    [InlineData("chrom\tstart\tend\n", "'start' is no start position", "line 1, column 2")]
    [InlineData("c\t5\t4\n", "start 5 is beyond end 4", "line 1, column 3")]
    [InlineData("c\t-1\t4\n", "'-1' is no start position", "line 1, column 2")]
    [InlineData("c\t1\t9223372036854775808\n", "'9223372036854775808' is no end position", "line 1, column 3")]
    [InlineData("c\t1\t4.0\n", "'4.0' is no end position", "line 1, column 3")]
    [InlineData("\t1\t4\n", "the contig has no name", "line 1, column 1")]
    [InlineData("#\n\nc\t1\t4\tn\t0\tx\n", "'x' is no strand", "line 3, column 6")]
    [InlineData("c\t10\t40\tn\t0\t+\t5\t20\n", "the thick part 5-20 is not inside 10-40", "line 1, column 7")]
    [InlineData("c\t10\t40\tn\t0\t+\t15\t41\n", "the thick part 15-41 is not inside 10-40", "line 1, column 8")]
    [InlineData("c\t10\t40\tn\t0\t+\t30\t20\n", "the thick part 30-20 is not inside 10-40", "line 1, column 8")]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0,0,256\t1\t30\t0\n", "'0,0,256' is no itemRgb", "line 1, column 9")]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0\t0\t\t0\n", "'0' is no blockCount", "line 1, column 10")]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0\t2\t30\t0\n", "blockCount is 2, but 1 blocks follow", "line 1, column 10")]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0\t1\t10,20\t0,10\n", "blockCount is 1, but the lists have 2 sizes and 2 starts", "line 1, column 11")]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0\t2\t10,20\t0\n", "blockCount is 2, but the lists have 2 sizes and 1 starts", "line 1, column 11")]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0\t2\t10,10\t0,10\n", "the last block ends at 30", "line 1, column 12")]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0\t1\t29\t1\n", "the first block starts at 1", "line 1, column 12")]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0\t2\t10,15\t0,15,\n", null, null)]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0\t2\t16,15\t0,15,\n", "block 2 begins before block 1 ends", "line 1, column 12")]
    [InlineData("c\t10\t40\tn\t0\t+\t0\t0\t0\t1\t999999999999999999\t0\n", "block 1 (0 and 999999999999999999 bases on) leaves the interval of 30 bases", "line 1, column 12")]
    [InlineData("track offset=x\n", "the track's offset is no number", "line 1")]
    [InlineData("track offset=-5\nc\t1\t9\n", "with the track's offset of -5 the start is negative", "line 2, column 2")]
    [InlineData("c\t1\0\t4\n", "this looks like binary data, not text", "line 1")]
    public void Read_Malformed_SaysWhatAndWhere(string text, string? what, string? where)
    {
        if (what is null)
        {
            Assert.Single(Read(text));
            return;
        }
        var e = Assert.Throws<InputDataException>(() => Read(text));
        Assert.Equal((what, $"a.bed, {where}"), (e.What, e.Where));
    }

    [Fact]
    public void Read_ZeroLengthInterval_IsAPlace()
    {
        BedRecord r = Assert.Single(Read("c\t7\t7\n"));
        Assert.Equal((7L, 7L), (r.Start, r.End));
    }

    [Theory]
    [InlineData("c\t1\t9\tn\t1001\n", 5, "'1001' is no score")]
    [InlineData("c\t1\t9\tn\tx\n", 5, "'x' is no score")]
    [InlineData("c\t1\t9\tn\t5\tforward\n", 6, "'forward' is no strand")]
    [InlineData("c\t1\t9\tn\t5\n", 6, "the line has 5 columns")]
    public void Read_StrictColumns_AreHeldToTheDefinition(string text, int standard, string what)
    {
        Assert.Single(Read(text));
        Assert.Equal(what, Assert.Throws<InputDataException>(() => Read(text, new BedOptions { StandardColumns = standard })).What);
    }

    [Fact]
    public void Read_RaggedLines_MayBeAllowed() =>
        Assert.Equal(2, Read("c\t1\t2\nc\t1\t2\tx\n", new BedOptions { AllowRaggedLines = true }).Count);

    [Fact]
    public void Read_LineBeyondTheLimit_IsRefused() => Assert.Equal("a.bed, line 2", Assert.Throws<InputDataException>(
        () => Read("c\t1\t2\nc\t1\t2" + new string('x', 100), new BedOptions { MaxLineBytes = 50 })).Where);

    [Fact]
    public void Read_WhatWasWritten_ComesBackInAnyPieces()
    {
        Gen<BedRecord> record =
            from contig in Gen.Elements("chr1", "2", "gi|5|x", "é")
            from start in Gen.Choose(0, int.MaxValue)
            from length in Gen.Choose(1, 1_000_000)
            from name in Gen.Elements("a", "b c", "", "1", "#")
            from strand in Gen.Elements(Strand.Forward, Strand.Reverse, Strand.None)
            from score in Gen.Choose(0, 1000)
            select new BedRecord(contig, start, (long)start + length) { Name = name, Strand = strand, Score = score };
        Gen<(BedRecord[] Records, int Piece, string End)> file =
            from records in record.ArrayOf()
            from piece in Gen.Choose(1, 40)
            from end in Gen.Elements("\n", "\r\n", "\r")
            select (records, piece, end);
        Prop.ForAll(file.ToArbitrary(), f =>
        {
            string text = string.Concat(f.Records.Select(r =>
                $"{r.Contig}\t{r.Start}\t{r.End}\t{r.Name}\t{r.Score}\t{(r.Strand == Strand.Forward ? '+' : r.Strand == Strand.Reverse ? '-' : '.')}{f.End}"));
            List<BedRecord> back = Read(text, piece: f.Piece);
            return back.Select(r => (r.Contig, r.Start, r.End, r.Name, r.Score, r.Strand))
                .SequenceEqual(f.Records.Select(r => (r.Contig, r.Start, r.End, r.Name, r.Score, r.Strand)))
                && back.Select(r => r.Line).SequenceEqual(Enumerable.Range(1, back.Count).Select(i => (long)i));
        }).Check(Config.QuickThrowOnFailure.WithReplay(77, 2311).WithMaxTest(500));
    }

    [Fact]
    public void Read_ManyLines_AllocatesNothingForEach()
    {
        byte[] bytes = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 50_000).Select(i => $"chr{i % 20}\t{i}\t{i + 9}\tn{i}\t0\t+\n")));
        using var stream = new MemoryStream(bytes);
        using BedReader reader = BedReader.FromStream(stream, "a.bed", new BedOptions { StandardColumns = 6 });
        for (int i = 0; i < 100; i++)
        {
            Assert.True(reader.Read());
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        int rows = 0;
        while (reader.Read())
        {
            rows++;
        }
        Assert.Equal(49_900, rows);
        // The name of a contig is copied when it changes, which it does on every line here.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 40L * rows);
    }
}
