using System.Text;

namespace GenoSeq.Data.Tests;

public class FastaWriterTests
{
    [Theory]
    [InlineData(0, ">a first\nACGTACGTAC\n>b\n>c\nG\n")]
    [InlineData(4, ">a first\nACGT\nACGT\nAC\n>b\n>c\nG\n")]
    [InlineData(5, ">a first\nACGTA\nCGTAC\n>b\n>c\nG\n")]
    [InlineData(60, ">a first\nACGTACGTAC\n>b\n>c\nG\n")]
    public void Write_LineWidth_BreaksLinesThere(int width, string expected)
    {
        foreach (int piece in (ReadOnlySpan<int>)[1, 3, 10])
        {
            using var stream = new MemoryStream();
            using FastaWriter writer = FastaWriter.To(stream, new FastaWriterOptions { LineWidth = width });
            writer.BeginRecord("a", "first");
            foreach (byte[] bases in "ACGTACGTAC"u8.ToArray().Chunk(piece))
            {
                writer.Append(bases);
            }
            writer.BeginRecord("b");
            writer.WriteRecord("c", "G"u8);
            writer.Commit();
            Assert.Equal(expected, Encoding.ASCII.GetString(stream.ToArray()));
        }
    }

    [Theory]
    [InlineData("x.fa", CompressionKind.None)]
    [InlineData("x.fa.gz", CompressionKind.Bgzf)]
    [InlineData("x.fa.BGZ", CompressionKind.Bgzf)]
    public void Create_NameChoosesCompression_AndGenomeReadsItBack(string name, CompressionKind kind)
    {
        using var temp = new TempFolder();
        string path = temp.PathOf(name);
        byte[] bases = [.. Compressed.Dna(400_000, 1).Where(b => b != '\n')];
        using (FastaWriter writer = FastaWriter.Create(path))
        {
            writer.WriteRecord("chr1", bases);
            writer.WriteRecord("chr2", "acgtNNRY"u8);
            writer.Commit();
        }
        using InputFile file = InputFile.Open(path, new InputFileOptions());
        Assert.Equal(kind, file.Compression);
        using FastaGenome genome = FastaGenome.Load(path);
        Assert.Equal(bases, genome.Bases(0).ToArray());
        Assert.Equal("acgtNNRY"u8.ToArray(), genome.Bases(1).ToArray());
    }

    [Fact]
    public void Dispose_WithoutCommit_LeavesNothing()
    {
        using var temp = new TempFolder();
        using (FastaWriter writer = FastaWriter.Create(temp.PathOf("x.fa.gz"), new FastaWriterOptions { WriteIndex = true }))
        {
            writer.WriteRecord("a", new byte[200_000]);
        }
        Assert.Empty(Directory.GetFiles(temp.PathOf("")));
    }

    [Fact]
    public void BeginRecord_UnreadableHeader_IsRefused()
    {
        using FastaWriter writer = FastaWriter.To(Stream.Null);
        Assert.Throws<ArgumentException>(() => writer.BeginRecord(""));
        Assert.Throws<ArgumentException>(() => writer.BeginRecord("a b"));
        Assert.Throws<ArgumentException>(() => writer.BeginRecord("a\n"));
        Assert.Throws<ArgumentException>(() => writer.BeginRecord("a", "b\nc"));
        Assert.Throws<InvalidOperationException>(() => writer.Append("A"u8));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => FastaWriter.To(Stream.Null, new FastaWriterOptions { LineWidth = -1 }));
    }
}
