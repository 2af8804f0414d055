namespace GenoSeq.Data.Tests;

public class GzipInputStreamTests
{
    private static readonly string s_text = ">a\n" + new string('A', 5000) + "CGT\n";

    [Fact]
    public void Read_SeveralMembers_AreOneText()
    {
        byte[] gzip = [.. TempFolder.Gzip(s_text), .. TempFolder.Gzip(""), .. TempFolder.Gzip(">b\nGG\n")];
        using FastaGenome genome = Genomes.Parse(gzip);
        Assert.Equal([new Contig("a", 5003), new Contig("b", 2)], genome.Contigs);
    }

    [Fact]
    public void Read_EveryTruncation_IsRefused()
    {
        byte[] gzip = TempFolder.Gzip(s_text);
        for (int length = 2; length < gzip.Length; length++)
        {
            var e = Assert.Throws<InputDataException>(() => Genomes.Parse(gzip[..length]));
            Assert.Equal(("the gzip data is truncated or damaged", "test.fa"), (e.What, e.Where));
        }
    }

    [Fact]
    public void Read_TruncatedSecondMember_IsRefused()
    {
        byte[] first = TempFolder.Gzip(s_text);
        byte[] both = [.. first, .. TempFolder.Gzip(">b\nGATTACA\n")];
        for (int length = first.Length + 1; length < both.Length; length++)
        {
            Assert.Throws<InputDataException>(() => Genomes.Parse(both[..length]));
        }
        using FastaGenome genome = Genomes.Parse(both[..first.Length]);
        Assert.Single(genome.Contigs);
    }

    [Fact]
    public void Read_TrailingGarbage_IsRefused() =>
        Assert.Throws<InputDataException>(() => Genomes.Parse([.. TempFolder.Gzip(s_text), 1, 2, 3]));

    [Fact]
    public void Read_FlippedBit_IsRefused()
    {
        byte[] gzip = TempFolder.Gzip(s_text);
        gzip[^6] ^= 1;
        Assert.Throws<InputDataException>(() => Genomes.Parse(gzip));
    }

    [Fact]
    public void Read_EmptyContent_IsAnEmptyFile()
    {
        var e = Assert.Throws<InputDataException>(() => Genomes.Parse(TempFolder.Gzip("")));
        Assert.Equal("the file is empty", e.What);
    }

    [Fact]
    public void Read_LargeRandomContent_ComesOutUnchanged()
    {
        var bytes = new byte[3_000_001];
        new Random(3).NextBytes(bytes);
        using var stream = new GzipInputStream(new MemoryStream(TempFolder.Gzip(bytes)), "x");
        using var output = new MemoryStream();
        stream.CopyTo(output, 777);
        Assert.Equal(bytes, output.ToArray());
    }

    [Fact]
    public void Read_GzipInGzip_IsNamed()
    {
        var e = Assert.Throws<InputDataException>(() => Genomes.Parse(TempFolder.Gzip(TempFolder.Gzip(s_text))));
        Assert.Contains("gzip data inside gzip", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Digest_OfGzip_IsOfTheBytesOnDisk()
    {
        byte[] gzip = TempFolder.Gzip(s_text);
        using FastaGenome genome = Genomes.Parse(gzip);
        Assert.Equal(gzip.Length, genome.Digest.Files[0].Size);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(gzip)),
            genome.Digest.Files[0].Sha256);
        Assert.Equal("test.fa", genome.Digest.Files[0].File);
    }
}
