using System.Buffers.Binary;

namespace GenoSeq.Data.Tests;

public class BgzfInputStreamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Read_AnyThreads_GivesTheSameBytes(int threads)
    {
        byte[] plain = Compressed.Dna(9_000_000, 1);
        byte[] bgzf = Compressed.Bgzf(plain, level: 1);
        Assert.Equal(plain, Compressed.ReadAll(bgzf, threads));
        using InputFile file = InputFile.FromStream(new DribbleStream(bgzf[..200_000]), "x",
            new InputFileOptions { Threads = threads });
        Assert.Throws<InputDataException>(() => Compressed.ReadAll(file.Content));
    }

    [Fact]
    public void Read_OneByteAtATime_GivesTheSameBytes()
    {
        byte[] plain = Compressed.Dna(200_000, 2);
        using InputFile file = InputFile.FromStream(new DribbleStream(Compressed.Bgzf(plain)), "x");
        Assert.Equal(CompressionKind.Bgzf, file.Compression);
        var read = new List<byte>();
        for (int b; (b = file.Content.ReadByte()) >= 0;)
        {
            read.Add((byte)b);
        }
        Assert.Equal(plain, read);
    }

    [Fact]
    public void Read_EveryTruncation_IsRefused()
    {
        byte[] plain = Compressed.Dna(1000, 3);
        byte[] bgzf = Compressed.BgzfBlocks(plain, 300, 1, 699, 0);
        for (int length = 2; length < bgzf.Length; length++)
        {
            Assert.Null(Compressed.TryReadAll(bgzf[..length]));
        }
        Assert.Equal(plain, Compressed.ReadAll(bgzf));
    }

    [Fact]
    public void Read_WithoutEndOfFileBlock_IsCalledTruncated()
    {
        byte[] bgzf = Compressed.Bgzf(Compressed.Dna(1000, 3));
        var e = Assert.Throws<InputDataException>(() => Compressed.ReadAll(bgzf[..^28]));
        Assert.Equal("the BGZF data is truncated: the empty block that ends every BGZF file is missing", e.What);
        Assert.Equal($"x.gz, offset {bgzf.Length - 28}", e.Where);
    }

    [Fact]
    public void Read_DamagedBlock_GivesAllBeforeItAndItsOffset()
    {
        byte[] plain = Compressed.Dna(5_000_000, 4);
        byte[] bgzf = Compressed.Bgzf(plain, level: 1);
        int at = 0;
        for (int i = 0; i < 40; i++)
        {
            at += BinaryPrimitives.ReadUInt16LittleEndian(bgzf.AsSpan(at + 16)) + 1;
        }
        bgzf[at + 1000] ^= 4;
        using InputFile file = InputFile.FromStream(new MemoryStream(bgzf), "x", new InputFileOptions { Threads = 3 });
        var read = new List<byte>();
        var buffer = new byte[10_000];
        InputDataException? failure = null;
        try
        {
            for (int n; (n = file.Content.Read(buffer)) > 0;)
            {
                read.AddRange(buffer.AsSpan(0, n));
            }
        }
        catch (InputDataException e)
        {
            failure = e;
        }
        Assert.Equal($"x, offset {at}", failure?.Where);
        Assert.Equal(40 * 0xFF00, read.Count);
        Assert.Equal(plain[..read.Count], read);
        Assert.Equal(failure!.What, Assert.Throws<InputDataException>(() => file.Content.Read(buffer)).What);
    }

    [Fact]
    public void Read_EveryFlippedByte_GivesTheTextOrIsRefused()
    {
        byte[] plain = Compressed.Dna(700, 5);
        byte[] bgzf = Compressed.BgzfBlocks(plain, 300, 0, 400, 0);
        int refused = 0;
        for (int i = 2; i < bgzf.Length; i++)
        {
            foreach (byte flip in (ReadOnlySpan<byte>)[1, 0x20, 0x80, 0xFF])
            {
                byte[] damaged = [.. bgzf];
                damaged[i] ^= flip;
                byte[]? read = Compressed.TryReadAll(damaged);
                Assert.True(read is null || read.AsSpan().SequenceEqual(plain), $"byte {i} ^ {flip}");
                refused += read is null ? 1 : 0;
            }
        }
        Assert.True(refused > 2 * bgzf.Length);
    }

    [Theory]
    [InlineData(16, 0, "is said to have 1 bytes")]
    [InlineData(16, 25, "is said to have 26 bytes")]
    public void Read_ImpossibleBlockLength_IsRefused(int at, ushort length, string what)
    {
        byte[] bgzf = Compressed.Bgzf(Compressed.Dna(1000, 3));
        BinaryPrimitives.WriteUInt16LittleEndian(bgzf.AsSpan(at), length);
        var e = Assert.Throws<InputDataException>(() => Compressed.ReadAll(bgzf));
        Assert.Contains(what, e.What, StringComparison.Ordinal);
        Assert.Equal("x.gz, offset 0", e.Where);
    }

    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(65_537u)]
    public void Read_ImpossibleContentLength_IsRefused(uint length)
    {
        byte[] bgzf = Compressed.Bgzf(Compressed.Dna(1000, 3));
        BinaryPrimitives.WriteUInt32LittleEndian(bgzf.AsSpan(bgzf.Length - 32), length);
        var e = Assert.Throws<InputDataException>(() => Compressed.ReadAll(bgzf));
        Assert.Equal($"the BGZF block is said to hold {length} bytes", e.What);
    }

    [Fact]
    public void Read_ExtraFieldBeyondTheFile_IsRefused()
    {
        byte[] bgzf = Compressed.Bgzf(Compressed.Dna(1000, 3));
        BinaryPrimitives.WriteUInt16LittleEndian(bgzf.AsSpan(10), ushort.MaxValue);
        Assert.Contains("it ends in the gzip header",
            Assert.Throws<InputDataException>(() => Compressed.ReadAll(bgzf)).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FurtherExtraFields_AreStillBgzf()
    {
        byte[] usual = Compressed.Bgzf(Compressed.Dna(1000, 3));
        int length = BinaryPrimitives.ReadUInt16LittleEndian(usual.AsSpan(16)) + 1;
        byte[] block = [.. usual[..12], (byte)'Q', (byte)'Q', 1, 0, 9, .. usual[12..]];
        block[10] += 5;
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(21), (ushort)(length - 1 + 5));
        using InputFile file = InputFile.FromStream(new MemoryStream(block), "x");
        Assert.Equal(CompressionKind.Bgzf, file.Compression);
        Assert.Equal(Compressed.Dna(1000, 3), Compressed.ReadAll(file.Content));
    }

    [Fact]
    public void Read_OnlyTheEndOfFileBlock_IsEmpty()
    {
        Assert.Equal(BgzfHeader.EndOfFile.ToArray(), Compressed.Bgzf([]));
        Assert.Empty(Compressed.ReadAll(Compressed.Bgzf([])));
    }

    [Fact]
    public void Read_SeveralFilesInOne_AreOneText()
    {
        byte[] plain = Compressed.Dna(5000, 6);
        byte[] bgzf = Compressed.Bgzf(plain);
        byte[] gzip = TempFolder.Gzip(plain);
        byte[] twice = [.. plain, .. plain];
        Assert.Equal(twice, Compressed.ReadAll([.. bgzf, .. bgzf]));
        Assert.Equal(twice, Compressed.ReadAll([.. bgzf, .. gzip]));
        Assert.Equal(twice, Compressed.ReadAll([.. gzip, .. bgzf]));
        Assert.Equal(twice, Compressed.ReadAll([.. bgzf[..^28], .. gzip]));
        Assert.Null(Compressed.TryReadAll([.. gzip, .. bgzf[..^28]]));
    }

    [Fact]
    public void Read_PaddingAndGarbage_AreToldApart()
    {
        byte[] plain = Compressed.Dna(5000, 6);
        byte[] bgzf = Compressed.Bgzf(plain);
        Assert.Equal(plain, Compressed.ReadAll([.. bgzf, .. new byte[3000]]));
        var e = Assert.Throws<InputDataException>(() => Compressed.ReadAll([.. bgzf, .. "junk"u8]));
        Assert.Equal($"x.gz, offset {bgzf.Length}", e.Where);
    }

    [Fact]
    public void Dispose_WhileBlocksAreWaiting_Ends()
    {
        byte[] bgzf = Compressed.Bgzf(Compressed.Dna(8_000_000, 7), level: 1);
        for (int i = 0; i < 20; i++)
        {
            using InputFile file = InputFile.FromStream(
                new MemoryStream(bgzf), "x", new InputFileOptions { Threads = 4 });
            Assert.True(file.Content.ReadByte() >= 0);
        }
    }
}
