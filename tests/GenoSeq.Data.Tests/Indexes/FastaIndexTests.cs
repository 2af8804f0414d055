using System.Text;

namespace GenoSeq.Data.Tests;

public class FastaIndexTests
{
    private const string Fasta = ">chr1 x\nACGTACGT\nACGT\n>chr2\nAC\n>chr3\nACGTAC\nACGTAC\nA\n";

    private static FastaIndex Parse(string text, long dataLength = 1000) =>
        FastaIndex.Parse(Encoding.Latin1.GetBytes(text), "x.fai", dataLength);

    [Theory]
    [InlineData("", "the index is empty")]
    [InlineData("a\t4\t3\t4\t5", "the last line has no line end")]
    [InlineData("a\t4\t3\t4\n", "4 tab-separated columns")]
    [InlineData("a 4 3 4 5\n", "1 tab-separated columns")]
    [InlineData("a\t4\t3\t4\t5\nb\t4\t30\t4\t5\t60\n", "6 tab-separated columns")]
    [InlineData("a\t-4\t3\t4\t5\n", "the length is no number: \"-4\"")]
    [InlineData("a\t+4\t3\t4\t5\n", "the length is no number: \"+4\"")]
    [InlineData("a\t4\t3 \t4\t5\n", "the offset is no number: \"3 \"")]
    [InlineData("a\t4\t3\t\t5\n", "the bases a line is no number: \"\"")]
    [InlineData("a\t4\t3\t4\t9999999999999999999\n", "the bytes a line is no number")]
    [InlineData("a\t4\t3\t0\t5\n", "0 bases in lines of 5 bytes")]
    [InlineData("a\t4\t3\t4\t3\n", "4 bases in lines of 3 bytes")]
    [InlineData("a\t9\t3\t4\t4\n", "lines of 4 bytes leave no room for a line end")]
    [InlineData("a\t998\t3\t998\t999\n", "record 'a' ends at byte 1001, the file at 1000")]
    [InlineData("a\t9223372036854775807\t9223372036854775807\t1\t9223372036854775807\n", "record 'a' ends at byte 8507059")]
    [InlineData("a\t9\t3\t4\t5\nb\t2\t12\t4\t5\n", "record 'b' begins at byte 12, before the end of its predecessor at 14")]
    [InlineData("a\t2\t3\t2\t3\na\t2\t10\t2\t3\n", "two records are named 'a'")]
    [InlineData("\t2\t3\t2\t3\n", "the name is empty")]
    [InlineData("\xFF\t2\t3\t2\t3\n", "the name is not UTF-8")]
    [InlineData("a\t4\t3\t4\t5\t4\n", "the qualities of 'a' at bytes 4 to 8 do not follow its bases")]
    public void Parse_Malformed_SaysWhatAndWhere(string text, string what)
    {
        var e = Assert.Throws<InputDataException>(() => Parse(text));
        Assert.StartsWith(what, e.What, StringComparison.Ordinal);
        Assert.StartsWith("x.fai", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_WindowsLineEnds_AreAccepted() =>
        Assert.Equal([new FastaIndexEntry("a", 4, 3, 4, 5)], Parse("a\t4\t3\t4\t5\r\n").Entries);

    [Fact]
    public void Open_EveryTruncationOrChangedByteOfAnIndex_IsRefusedOrReadsNucleotides()
    {
        byte[] fasta = Encoding.ASCII.GetBytes(Fasta);
        using var stream = new MemoryStream(fasta);
        byte[] index = FastaIndexBuilder.Build(stream, "x.fa").ToBytes();
        for (int length = 0; length < index.Length; length++)
        {
            // A cut within a line is seen by itself; a cut between lines by the records that are then missing.
            byte[] cut = index[..length];
            Assert.Throws<InputDataException>(() => Read(fasta, cut));
        }
        for (int i = 0; i < index.Length; i++)
        {
            for (int flip = 1; flip < 256; flip++)
            {
                byte[] changed = [.. index];
                changed[i] ^= (byte)flip;
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    Read(fasta, changed);
                }
                catch (InputDataException)
                {
                }
                Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
            }
        }

        static void Read(byte[] fasta, byte[] index)
        {
            using IndexedFastaGenome genome = IndexedFastaGenome.Create(
                "x.fa", new MemoryBytes(fasta), FastaIndex.Parse(index, "x.fa.fai", fasta.Length), "x.fa.fai");
            for (int i = 0; i < genome.Contigs.Count; i++)
            {
                Assert.Matches("^[ACGT]+$", Genomes.Text(genome, i));
            }
        }
    }

    [Theory]
    [InlineData(">a\nACGT\nAC\nA\n", "a line of record 'a' follows a blank line or a shorter line", 4)]
    [InlineData(">a\nACGT\nACGTA\n", "a line of 5 letters in 6 bytes in record 'a'", 3)]
    [InlineData(">a\nACGT\nACGT\r\n", "a line of 4 letters in 6 bytes in record 'a'", 3)]
    [InlineData(">a\nACGT\n\nAC\n", "a line of record 'a' follows a blank line or a shorter line", 4)]
    [InlineData(">a\nAC GT\n", "white space, then 'G' at byte 6", 2)]
    [InlineData(">a\n ACGT\n", "white space, then 'A' at byte 4", 2)]
    [InlineData(">a\nACGT\n>a b\nAC\n", "two records are named 'a'", 0)]
    [InlineData(">\nACGT\n", "a record has an empty name", 1)]
    [InlineData(">a\nAC\u0001T\n", "byte 0x01 at byte 5 is no letter", 2)]
    [InlineData(">a\n;c\nACGT\n", "a comment line inside a record", 2)]
    [InlineData("ACGT\n", "the first line is no FASTA header: \"ACGT\"", 1)]
    [InlineData(">a\n>b\n", "no record has any bases", 0)]
    [InlineData("\n\n", "the file has no record", 3)]
    [InlineData(">a\nAC\n@b\nAC\n+\nII\n", "a line of record 'a'", 0)]
    [InlineData("@a\nACGT\n+\nIII\n", "a quality line of 3 letters brings record 'a' to 3 values", 4)]
    [InlineData("@a\nACGT\n+\nIIIII\n", "a line of 5 letters in 6 bytes in record 'a'", 4)]
    [InlineData("@a\nACGT\n+\n", "record 'a' ends before its 4 quality values", 4)]
    [InlineData("@a\nACGT\n", "record 'a' ends before its 4 quality values", 3)]
    [InlineData("@a\nACGT\n+\nIIII\n@b", "the last record ends within its header line", 5)]
    public void Build_WhatNoIndexCanDescribe_SaysWhatAndWhere(string text, string what, int line)
    {
        using var stream = new MemoryStream(Encoding.Latin1.GetBytes(text));
        if (text.Contains("@b\nAC", StringComparison.Ordinal))
        {
            // '@' at the start of a line is a letter of a FASTA sequence for the index, as for samtools.
            Assert.Throws<InputDataException>(() => FastaIndexBuilder.Build(stream, "x"));
            return;
        }
        var e = Assert.Throws<InputDataException>(() => FastaIndexBuilder.Build(stream, "x"));
        Assert.StartsWith(what, e.What, StringComparison.Ordinal);
        Assert.Contains(line == 0 ? "x" : $"line {line}", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_AnyBlocks_GivesTheSameIndex()
    {
        byte[] fasta = Encoding.ASCII.GetBytes(Fasta);
        using var whole = new MemoryStream(fasta);
        byte[] expected = FastaIndexBuilder.Build(whole, "x").ToBytes();
        for (int step = 1; step < fasta.Length; step++)
        {
            var scanner = new FastaIndexScanner("x");
            for (int i = 0; i < fasta.Length; i += step)
            {
                scanner.Consume(fasta.AsSpan(i, Math.Min(step, fasta.Length - i)));
            }
            Assert.Equal(expected, scanner.Finish().ToBytes());
        }
    }
}
