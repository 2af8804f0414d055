using System.Text;

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
            Assert.StartsWith("the gzip data is truncated", e.What, StringComparison.Ordinal);
            Assert.Contains("offset 0", e.Where, StringComparison.Ordinal);
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

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 }, 0)]
    [InlineData(new byte[] { 0x1F, 0x8C }, 0)]
    [InlineData(new byte[] { 0, 0, 0, 7 }, 0)]
    public void Read_TrailingGarbage_IsRefusedWithItsOffset(byte[] garbage, int at)
    {
        byte[] gzip = TempFolder.Gzip(s_text);
        var e = Assert.Throws<InputDataException>(() => Genomes.Parse([.. gzip, .. garbage]));
        Assert.Equal("there are bytes after the gzip data that are no gzip data", e.What);
        Assert.Equal($"test.fa, offset {gzip.Length + at}", e.Where);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    public void Read_TrailingZeros_AreAccepted(int zeros)
    {
        using FastaGenome genome = Genomes.Parse([.. TempFolder.Gzip(s_text), .. new byte[zeros]]);
        Assert.Single(genome.Contigs);
    }

    [Theory]
    [InlineData(6, "checksum of its content does not match")]
    [InlineData(2, "length of its content does not match")]
    public void Read_DamagedTrailer_IsRefused(int fromEnd, string what)
    {
        byte[] gzip = TempFolder.Gzip(s_text);
        gzip[^fromEnd] ^= 1;
        var e = Assert.Throws<InputDataException>(() => Genomes.Parse(gzip));
        Assert.EndsWith(what, e.What, StringComparison.Ordinal);
        Assert.StartsWith("test.fa, gzip member at offset 0, near offset ", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_EveryFlippedByte_GivesTheTextOrIsRefused()
    {
        byte[] gzip = [.. TempFolder.Gzip(s_text), .. TempFolder.Gzip(">b\nGATTACA\n")];
        byte[] plain = Encoding.Latin1.GetBytes(s_text + ">b\nGATTACA\n");
        int refused = 0;
        for (int i = 2; i < gzip.Length; i++)
        {
            foreach (byte flip in (ReadOnlySpan<byte>)[1, 0x80, 0xFF])
            {
                byte[] damaged = [.. gzip];
                damaged[i] ^= flip;
                byte[]? read = Compressed.TryReadAll(damaged);
                Assert.True(read is null || read.AsSpan().SequenceEqual(plain), $"byte {i} ^ {flip}");
                refused += read is null ? 1 : 0;
            }
        }
        Assert.True(refused > gzip.Length);
    }

    [Fact]
    public void Read_EveryOptionalHeaderField_IsPassedOver()
    {
        byte[] plain = Encoding.Latin1.GetBytes(s_text);
        foreach (int flags in Enumerable.Range(0, 32))
        {
            byte[] gzip = Compressed.GzipWithHeader(plain, (byte)flags);
            Assert.Equal(plain, Compressed.ReadAll(gzip));
            Assert.Equal(plain, Compressed.ReadAll([.. gzip, .. gzip])[plain.Length..]);
        }
    }

    [Fact]
    public void Read_WrongHeaderChecksum_IsRefused()
    {
        byte[] gzip = Compressed.GzipWithHeader("ACGT"u8.ToArray(), 2);
        gzip[10] ^= 1;
        var e = Assert.Throws<InputDataException>(() => Compressed.ReadAll(gzip));
        Assert.Equal("the checksum of the gzip header does not match", e.What);
    }

    [Fact]
    public void Read_UnknownMethodOrReservedFlags_IsRefused()
    {
        byte[] gzip = TempFolder.Gzip(s_text);
        byte[] method = [.. gzip];
        method[2] = 9;
        Assert.Contains("method 9", Assert.Throws<InputDataException>(() => Compressed.ReadAll(method)).What,
            StringComparison.Ordinal);
        byte[] flags = [.. gzip];
        flags[3] = 0x40;
        Assert.Contains("0x40", Assert.Throws<InputDataException>(() => Compressed.ReadAll(flags)).What,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ManyEmptyMembers_AreNothing()
    {
        byte[] empty = TempFolder.Gzip("");
        byte[] many = [.. Enumerable.Repeat(empty, 300).SelectMany(b => b), .. TempFolder.Gzip("ACGT")];
        Assert.Equal("ACGT"u8.ToArray(), Compressed.ReadAll(many));
    }

    [Fact]
    public void Read_MembersOfManySizes_ComeOutOneByteAtATime()
    {
        var random = new Random(8);
        var gzip = new List<byte>();
        var plain = new List<byte>();
        foreach (int size in (ReadOnlySpan<int>)[0, 1, 2, 30, 31, 32, 33, 500, 4095, 4096, 4097, 20_000, 70_000])
        {
            var bytes = new byte[size];
            random.NextBytes(bytes);
            gzip.AddRange(TempFolder.Gzip(bytes));
            plain.AddRange(bytes);
        }
        using var dribble = new DribbleStream([.. gzip]);
        using InputFile file = InputFile.FromStream(dribble, "x");
        using var output = new MemoryStream();
        for (int b; (b = file.Content.ReadByte()) >= 0;)
        {
            output.WriteByte((byte)b);
        }
        Assert.Equal(plain, output.ToArray());
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
        using var stream = new GzipInputStream(new CompressedSource(new MemoryStream(TempFolder.Gzip(bytes)), "x"));
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
