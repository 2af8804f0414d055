using System.Text;

namespace GenoSeq.Data.Tests;

public class FastaGenomeTests
{
    [Fact]
    public void Load_SeveralFiles_AreOneGenomeInOrder()
    {
        using var temp = new TempFolder();
        string a = temp.Write("a.fa", ">x\nAC\n>y\nGT\n");
        string b = temp.Write("b.fa.gz", TempFolder.Gzip(">z\nNNn\n"));
        using FastaGenome genome = FastaGenome.Load(a, b);
        Assert.Equal([new Contig("x", 2), new Contig("y", 2), new Contig("z", 3)], genome.Contigs);
        Assert.Equal(7, genome.TotalBases);
        Assert.Equal((2, 0), (genome.IndexOf("z"), genome.IndexOf("x")));
        Assert.Equal(-1, genome.IndexOf("X"));
        Assert.Equal((3, 7L, 3L), (genome.Digest.Sequences, genome.Digest.Bases, genome.Digest.NCount));
        Assert.Equal(new FileInfo(b).Length, genome.Digest.Files[1].Size);
    }

    [Fact]
    public void Load_NameInTwoFiles_IsPrefixedInBoth()
    {
        using var temp = new TempFolder();
        string a = temp.Write("ecoli.fa", ">chr\nA\n>p1\nC\n");
        string b = temp.Write("vibrio.v2.fa.gz", TempFolder.Gzip(">chr\nG\n>p2\nT\n"));
        using FastaGenome genome = FastaGenome.Load(a, b);
        Assert.Equal(["ecoli/chr", "p1", "vibrio.v2/chr", "p2"], genome.Contigs.Select(c => c.Name));
    }

    [Fact]
    public void Load_SameFileTwice_IsRefused()
    {
        using var temp = new TempFolder();
        string a = temp.Write("a.fa", ">x\nAC\n");
        var e = Assert.Throws<InputDataException>(() => FastaGenome.Load(a, a));
        Assert.Equal("two contigs would be called 'a/x'", e.What);
    }

    [Fact]
    public void Load_MissingFile_SaysSo()
    {
        var e = Assert.Throws<InputDataException>(() => FastaGenome.Load("no/such/genome.fa"));
        Assert.Equal(("file not found", "no/such/genome.fa"), (e.What, e.Where));
        Assert.IsAssignableFrom<IOException>(e.InnerException);
    }

    [Fact]
    public void Load_Folder_SaysSo()
    {
        using var temp = new TempFolder();
        var e = Assert.Throws<InputDataException>(() => FastaGenome.Load(temp.PathOf("")));
        Assert.Equal("a folder was given where a file is needed", e.What);
    }

    [Fact]
    public void Read_StreamThatFails_SaysSo()
    {
        using var stream = new FailingStream(">a\nACGT\n"u8.ToArray());
        var e = Assert.Throws<InputDataException>(() => FastaGenome.Read(stream, "disk.fa"));
        Assert.Equal(("the file cannot be read to its end: bad sector", "disk.fa"), (e.What, e.Where));
    }

    [Fact]
    public void Load_NoFile_SaysSo() => Assert.Throws<InputDataException>(() => FastaGenome.Load());

    [Fact]
    public void Read_EverySlice_EqualsText()
    {
        using FastaGenome genome = Genomes.Random(1, 37, 5);
        string text = Genomes.Text(genome, 0);
        for (int start = 0; start <= 37; start++)
        {
            for (int length = 0; start + length <= 37; length++)
            {
                var bytes = new byte[length];
                genome.Read(0, start, bytes);
                Assert.Equal(text.Substring(start, length), Encoding.ASCII.GetString(bytes));
            }
        }
    }

    [Theory]
    [InlineData(0, 30, 8)]
    [InlineData(0, -1, 2)]
    [InlineData(0, 38, 0)]
    [InlineData(0, long.MaxValue, 1)]
    [InlineData(2, 0, 1)]
    [InlineData(-1, 0, 1)]
    public void Read_OutsideContig_Throws(int contig, long start, int length)
    {
        using FastaGenome genome = Genomes.Random(1, 37, 5);
        Assert.Throws<ArgumentOutOfRangeException>(() => genome.Read(contig, start, new byte[length]));
    }

    [Fact]
    public void Read_FromManyThreads_IsRight()
    {
        using FastaGenome genome = Genomes.Random(2, 10_000, 8_000);
        string[] text = [Genomes.Text(genome, 0), Genomes.Text(genome, 1)];
        Parallel.For(0, 2000, i =>
        {
            var bytes = new byte[100];
            int contig = i % 2;
            long start = i * 31L % 7900;
            genome.Read(contig, start, bytes);
            Assert.Equal(text[contig].Substring((int)start, 100), Encoding.ASCII.GetString(bytes));
            Assert.Equal(contig, genome.IndexOf($"c{contig}"));
        });
    }

    [Fact]
    public void Digest_Sha256_DependsOnContentNotOnPath()
    {
        using var temp = new TempFolder();
        using FastaGenome a = FastaGenome.Load(temp.Write("a/g.fa", ">x\nAC\n"));
        using FastaGenome b = FastaGenome.Load(temp.Write("b/h.fa", ">x\nAC\n"));
        using FastaGenome c = FastaGenome.Load(temp.Write("c/g.fa", ">x\nAG\n"));
        Assert.Equal(a.Digest.Sha256, b.Digest.Sha256);
        Assert.NotEqual(a.Digest.Sha256, c.Digest.Sha256);
        Assert.Matches("^[0-9a-f]{64}$", a.Digest.Sha256);
    }

    private sealed class FailingStream(byte[] content) : MemoryStream(content)
    {
        public override int Read(Span<byte> buffer)
        {
            int n = base.Read(buffer);
            return n > 0 ? n : throw new IOException("bad sector");
        }
    }
}
