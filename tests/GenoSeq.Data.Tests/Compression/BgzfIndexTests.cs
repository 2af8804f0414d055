using System.Buffers.Binary;

namespace GenoSeq.Data.Tests;

public class BgzfIndexTests
{
    private static readonly byte[] s_plain = Compressed.Dna(300_000, 1);
    private static readonly byte[] s_bgzf = Compressed.Bgzf(s_plain);

    [Fact]
    public void Build_AndLoadOfWritten_AgreeWithTheWriter()
    {
        using var temp = new TempFolder();
        string path = temp.PathOf("a.gz");
        BgzfIndex written;
        using (var writer = new BgzfWriter(File.Create(path), new BgzfWriterOptions { Threads = 3 }))
        {
            writer.Write(s_plain);
            writer.Complete();
            written = writer.Index;
        }
        BgzfIndex built = BgzfIndex.Build(path);
        string gzi = BgzfIndex.PathFor(path);
        built.Write(gzi);
        BgzfIndex loaded = BgzfIndex.Load(gzi, path);
        foreach (BgzfIndex other in (BgzfIndex[])[written, loaded])
        {
            Assert.Equal(built.FileOffsets.ToArray(), other.FileOffsets.ToArray());
            Assert.Equal(built.ContentOffsets.ToArray(), other.ContentOffsets.ToArray());
        }
        Assert.Equal((s_plain.Length, 5), ((int)built.Length, built.BlockCount));
        Assert.Equal(4 * 16 + 8, new FileInfo(gzi).Length);
    }

    [Theory]
    [InlineData(0, 5, "counts 5 entries")]
    [InlineData(0, -1, "counts -1 entries")]
    [InlineData(0, long.MaxValue, "counts 9223372036854775807 entries")]
    [InlineData(8, 0, "entry 1 names the file offset 0")]
    [InlineData(8, long.MaxValue, "entry 1 names the file offset 9223372036854775807")]
    [InlineData(8, -5, "entry 1 names the file offset -5")]
    [InlineData(16, 65_537, "entry 1 names the content offset 65537")]
    [InlineData(16, -1, "entry 1 names the content offset -1")]
    [InlineData(24, 7, "entry 2 names the file offset 7")]
    public void Load_HostileField_IsRefused(int at, long value, string what)
    {
        byte[] gzi = Index();
        BinaryPrimitives.WriteInt64LittleEndian(gzi.AsSpan(at), value);
        var e = Assert.Throws<InputDataException>(() => Parse(gzi));
        Assert.Contains(what, e.What, StringComparison.Ordinal);
        Assert.Equal("x.gz.gzi", e.Where);
    }

    [Fact]
    public void Load_EveryTruncation_IsRefused()
    {
        byte[] gzi = Index();
        for (int length = 0; length < gzi.Length; length++)
        {
            Assert.Throws<InputDataException>(() => Parse(gzi[..length]));
        }
    }

    [Fact]
    public void Load_MissingLastEntry_IsRefused()
    {
        byte[] gzi = Index()[..^16];
        gzi[0]--;
        Assert.Contains("blocks with content follow", Assert.Throws<InputDataException>(() => Parse(gzi)).What,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Read_EveryFlippedByteOfTheIndex_GivesTheBytesOrIsRefused()
    {
        byte[] gzi = Index();
        int refused = 0;
        for (int i = 0; i < gzi.Length; i++)
        {
            byte[] damaged = [.. gzi];
            damaged[i] ^= 1;
            var read = new byte[s_plain.Length];
            try
            {
                using BgzfFile file = BgzfFile.Open(new BgzfBlockFile(s_bgzf, "x.gz"), Parse(damaged));
                file.Read(0, read);
                Assert.Equal(s_plain, read);
            }
            catch (InputDataException)
            {
                refused++;
            }
        }
        Assert.Equal(gzi.Length, refused);
    }

    [Fact]
    public void Load_OfAnotherFile_IsRefusedAtTheLatestWhenRead()
    {
        byte[] other = Compressed.Bgzf(Compressed.Dna(300_000, 99));
        Assert.Throws<InputDataException>(() =>
        {
            var data = new BgzfBlockFile(other, "x.gz");
            using BgzfFile file = BgzfFile.Open(data, BgzfIndex.Parse(Index(), "x.gz.gzi", data));
            file.Read(0, new byte[300_000]);
        });
    }

    [Fact]
    public void Load_CountOfMinusOneForNoContent_IsReadAsBgzipWritesIt()
    {
        var empty = new BgzfBlockFile(Compressed.Bgzf([]), "x.gz");
        BgzfIndex index = BgzfIndex.Parse(Convert.FromHexString("FFFFFFFFFFFFFFFF"), "x.gz.gzi", empty);
        Assert.Equal((0, 0), (index.Length, index.BlockCount));
        Assert.Equal(new byte[8], index.ToBytes());
    }

    [Fact]
    public void Write_ExistingFile_NeedsForce()
    {
        using var temp = new TempFolder();
        string path = temp.Write("a.gz", s_bgzf);
        string gzi = temp.Write("a.gz.gzi", "old");
        BgzfIndex index = BgzfIndex.Build(path);
        Assert.Equal(OutputProblem.Refused, Assert.Throws<OutputException>(() => index.Write(gzi)).Problem);
        Assert.Equal("old", File.ReadAllText(gzi));
        index.Write(gzi, new OutputOptions { Force = true });
        Assert.Equal(index.ToBytes(), File.ReadAllBytes(gzi));
    }

    private static byte[] Index() => Build().ToBytes();

    private static BgzfIndex Build()
    {
        using var temp = new TempFolder();
        return BgzfIndex.Build(temp.Write("x.gz", s_bgzf));
    }

    private static BgzfIndex Parse(byte[] gzi) => BgzfIndex.Parse(gzi, "x.gz.gzi", new BgzfBlockFile(s_bgzf, "x.gz"));
}
