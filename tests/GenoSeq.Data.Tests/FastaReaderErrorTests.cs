using System.Text;

namespace GenoSeq.Data.Tests;

public class FastaReaderErrorTests
{
    [Theory]
    [InlineData("", "the file is empty", "test.fa")]
    [InlineData("\n\n \n", "the file has no FASTA record", "test.fa")]
    [InlineData("; only a comment\n", "the file has no FASTA record", "test.fa")]
    [InlineData("\nACGT\n", "the first line is no FASTA header: \"ACGT\"", "test.fa, line 2")]
    [InlineData(">a\nA\n>\nC\n", "a record has an empty name", "test.fa, line 3")]
    [InlineData(">a\nA\n> \t \nC\n", "a record has an empty name", "test.fa, line 3")]
    [InlineData(">a\nA\n>b\nC\n>a x\nG\n", "two records are named 'a'", "test.fa, lines 1 and 5")]
    [InlineData(">a\nACGT\nAC>b\nA\n", "'>' in the middle of a sequence line", "test.fa, line 3, record 'a'")]
    [InlineData(">a\nACGT\n>prot\nMKVL\n", "'L' is no nucleotide code; this looks like protein",
        "test.fa, line 4, record 'prot'")]
    [InlineData(">a\nACxT\n", "'x' is no nucleotide code", "test.fa, line 2, record 'a'")]
    [InlineData(">a\n1 ACGT\n", "the digit '1' in a sequence", "test.fa, line 2, record 'a'")]
    [InlineData(">a\nAC\u0007T\n", "byte 0x07 is no sequence character", "test.fa, line 2, record 'a'")]
    [InlineData(">a\nAC\u00FFT\n", "byte 0xFF is no sequence character", "test.fa, line 2, record 'a'")]
    [InlineData(">a\nAC#T\n", "'#' is no sequence character", "test.fa, line 2, record 'a'")]
    [InlineData(">a\nACGT\n+\nIIII\n", "'+' in a sequence: this looks like FASTQ", "test.fa, line 3, record 'a'")]
    [InlineData("@read\nACGT\n+\nIIII\n", "this looks like FASTQ, not FASTA", "test.fa, line 1")]
    [InlineData("@HD\tVN:1.6\n", "this looks like a SAM file, not FASTA", "test.fa, line 1")]
    [InlineData("BZh91AY", "this looks like bzip2 data, not FASTA", "test.fa, line 1")]
    [InlineData("LOCUS       X\n", "this looks like a GenBank file, not FASTA", "test.fa, line 1")]
    [InlineData("\u0000\u0001\u0002", "this looks like binary data, not FASTA (byte 0x00)", "test.fa, line 1")]
    [InlineData(">a\n>b\n", "none of the 2 records has any bases", "test.fa")]
    public void Read_BadInput_SaysWhatAndWhere(string text, string what, string where)
    {
        var e = Assert.Throws<InputDataException>(() => Genomes.Parse(text));
        Assert.Equal((what, where), (e.What, e.Where));
        Assert.NotNull(e.Expected);
    }

    [Theory]
    [InlineData('E')]
    [InlineData('F')]
    [InlineData('I')]
    [InlineData('L')]
    [InlineData('P')]
    [InlineData('Q')]
    [InlineData('Z')]
    [InlineData('J')]
    [InlineData('O')]
    public void Read_ProteinLetter_IsCalledProtein(char letter)
    {
        var e = Assert.Throws<InputDataException>(() => Genomes.Parse($">a\nMK{letter}\n"));
        Assert.Contains("looks like protein", e.Message, StringComparison.Ordinal);
        Assert.Contains($"'{letter}'", e.Message, StringComparison.Ordinal);
        Assert.Equal("give DNA or RNA sequences", e.Try);
    }

    [Fact]
    public void Read_HeaderWithoutEnd_IsRefusedBeforeMemoryRunsOut()
    {
        byte[] endless = [.. ">"u8, .. Enumerable.Repeat((byte)'h', 3_000_000)];
        var e = Assert.Throws<InputDataException>(() => Genomes.Parse(endless));
        Assert.Contains("header line is longer than 1048576 bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Collector_ContigAboveLimit_IsRefused()
    {
        var collector = new FastaCollector("big.fa", maxContigLength: 10);
        using var stream = new MemoryStream(">ok\nACGTACGTAC\n>big\nACGTACGTACG\n"u8.ToArray());
        var e = Assert.Throws<InputDataException>(() => FastaReader.Read(stream, "big.fa", collector));
        Assert.Equal("contig 'big' is longer than 10 bases", e.What);
        Assert.Equal("split the contig into several records", e.Try);
    }

    [Fact]
    public void Read_MutatedInput_OnlyEverThrowsInputDataException()
    {
        var random = new Random(20);
        byte[] plain = Encoding.Latin1.GetBytes(
            ">one first\r\nACGTNNRYacgt\nACGT\n;comment\n\n>two\nGATTACA-*.\n>three\nU\n");
        byte[] gzip = [.. TempFolder.Gzip(plain), .. TempFolder.Gzip(">four\nACGT\n")];
        int read = 0;
        int refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] input = Mutate(round % 2 == 0 ? plain : gzip, random);
            try
            {
                using FastaGenome genome = Genomes.Parse(input);
                Assert.True(genome.TotalBases > 0);
                read++;
            }
            catch (InputDataException e)
            {
                Assert.StartsWith("test.fa", e.Where, StringComparison.Ordinal);
                refused++;
            }
        }
        // Both outcomes must be common, or the mutations test nothing.
        Assert.True(read > 500 && refused > 5000, $"{read} read, {refused} refused");
    }

    private static byte[] Mutate(byte[] source, Random random)
    {
        var bytes = source.ToList();
        for (int edits = random.Next(1, 5); edits > 0 && bytes.Count > 1; edits--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.Insert(at, ">\n\r; ACGTN"u8[random.Next(10)]); break;
                case 2: bytes.RemoveAt(at); break;
                case 3: bytes.RemoveRange(at, bytes.Count - at); break;
                default: bytes.InsertRange(at, bytes.GetRange(random.Next(at + 1), 1)); break;
            }
        }
        return [.. bytes];
    }
}
