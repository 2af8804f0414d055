using System.Text;

namespace GenoSeq.Data.Tests;

public class FastaReaderTests
{
    private const string Plain = ">one first\nACGT\nNNac\n>two\nRYSWKM\n";

    [Theory]
    [InlineData(">one first\nACGT\nNNac\n>two\nRYSWKM\n")]
    [InlineData(">one first\r\nACGT\r\nNNac\r\n>two\r\nRYSWKM\r\n")]
    [InlineData(">one first\rACGT\rNNac\r>two\rRYSWKM\r")]
    [InlineData(">one first\nACGTNNac\n>two\nRYSWKM")]
    [InlineData("\n\n  \n>one first\n\nACGT\n\t\nNNac\n\n>two\nRYSWKM\n\n")]
    [InlineData(";old comment\n>one first\n;another > one\nACGT\nNNac\n>two\nRYSWKM\n;end")]
    [InlineData(">one first\nAC GT\n\tNNac \n> two\nRYS WKM\n")]
    [InlineData("\u00EF\u00BB\u00BF>one\tfirst\nACGT\nNNac\n>two\u0001merged\nRYSWKM\n")]
    public void Read_SameContentInOtherLayouts_GivesSameContigs(string text)
    {
        using FastaGenome genome = Genomes.Parse(text);
        Assert.Equal([new Contig("one", 8), new Contig("two", 6)], genome.Contigs);
        Assert.Equal("ACGTNNac", Genomes.Text(genome, 0));
        Assert.Equal("RYSWKM", Genomes.Text(genome, 1));
    }

    [Fact]
    public void Read_AllAcceptedBytes_AreKept()
    {
        const string all = "ACGTUNRYSWKMBDHVacgtunryswkmbdhv-.*";
        using FastaGenome genome = Genomes.Parse(">x\n" + all + "\n");
        Assert.Equal(all, Genomes.Text(genome, 0));
    }

    [Fact]
    public void Read_EmptyRecord_HasLengthZero()
    {
        using FastaGenome genome = Genomes.Parse(">a\n>b\nA\n>c");
        Assert.Equal([0L, 1, 0], genome.Contigs.Select(c => c.Length));
        Assert.Equal([new GenomeInterval(1, 0, 1)], genome.WholeContigs());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Read_StreamInSmallPieces_GivesSameContigs(int piece)
    {
        string text = Plain.Replace("\n", "\r\n", StringComparison.Ordinal);
        using var stream = new PiecewiseStream(Encoding.Latin1.GetBytes(text), piece);
        using FastaGenome genome = FastaGenome.Read(stream, "x");
        Assert.Equal("ACGTNNac", Genomes.Text(genome, 0));
        Assert.Equal("RYSWKM", Genomes.Text(genome, 1));
    }

    [Fact]
    public void Read_LongSingleLine_NeedsNoLineBuffer()
    {
        var bases = new byte[20_000_000];
        new Random(1).NextBytes(bases);
        for (int i = 0; i < bases.Length; i++)
        {
            bases[i] = "ACGT"u8[bases[i] & 3];
        }
        var counter = new CountingVisitor();
        using var stream = new MemoryStream([.. ">x\n"u8, .. bases]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        FastaReader.Read(stream, "x", counter);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(bases.Length, counter.Bases);
        Assert.True(allocated < 1_000_000, $"{allocated} bytes were allocated for a line of {bases.Length}");
    }

    [Fact]
    public void Read_RandomLayouts_EqualNaiveReading()
    {
        var random = new Random(5);
        for (int round = 0; round < 300; round++)
        {
            var text = new StringBuilder();
            var expected = new List<(string Name, string Bases)>();
            string[] ends = ["\n", "\r\n", "\r"];
            string end = ends[random.Next(3)];
            for (int r = random.Next(1, 6); r > 0; r--)
            {
                string name = $"r{expected.Count}";
                text.Append('>').Append(name).Append(random.Next(2) == 0 ? " some words" : "").Append(end);
                var bases = new StringBuilder();
                for (int lines = random.Next(0, 5); lines > 0; lines--)
                {
                    for (int n = random.Next(0, 90); n > 0; n--)
                    {
                        char c = "ACGTNacgtn-*RY"[random.Next(14)];
                        bases.Append(c);
                        text.Append(c);
                    }
                    text.Append(end);
                }
                expected.Add((name, bases.ToString()));
            }
            if (expected.All(e => e.Bases.Length == 0))
            {
                continue;
            }
            using FastaGenome genome = Genomes.Parse(text.ToString());
            Assert.Equal(expected, genome.Contigs.Select((c, i) => (c.Name, Genomes.Text(genome, i))));
        }
    }

    private sealed class CountingVisitor : IFastaVisitor
    {
        internal long Bases { get; private set; }

        public void BeginRecord(string name, long line)
        {
        }

        public void Append(ReadOnlySpan<byte> bases) => Bases += bases.Length;

        public void EndRecord()
        {
        }
    }

    private sealed class PiecewiseStream(byte[] content, int piece) : MemoryStream(content)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, piece)]);

        public override int Read(byte[] buffer, int offset, int count) =>
            base.Read(buffer, offset, Math.Min(count, piece));
    }
}
