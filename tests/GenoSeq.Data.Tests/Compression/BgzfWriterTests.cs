namespace GenoSeq.Data.Tests;

public class BgzfWriterTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(9)]
    public void Write_AnyLevel_IsReadBack(int level)
    {
        var random = new byte[150_000];
        new Random(1).NextBytes(random);
        foreach (byte[] plain in (byte[][])[Compressed.Dna(200_000, 1), random, [], [1], new byte[0xFF00], new byte[0xFF01]])
        {
            byte[] bgzf = Compressed.Bgzf(plain, level);
            Assert.Equal(plain, Compressed.ReadAll(bgzf));
            Assert.Equal(BgzfHeader.EndOfFile.ToArray(), bgzf[^28..]);
        }
    }

    [Fact]
    public void Write_AnyThreadsAndPieces_GivesTheSameFile()
    {
        byte[] plain = Compressed.Dna(5_000_000, 2);
        byte[] expected = Compressed.Bgzf(plain, level: 1);
        Assert.Equal(expected, Compressed.Bgzf(plain, level: 1, threads: 4));
        using var output = new MemoryStream();
        using var writer = new BgzfWriter(output, new BgzfWriterOptions { Level = 1, Threads = 2, LeaveOpen = true });
        for (int at = 0, n = 1; at < plain.Length; at += n, n = 1 + n * 7 % 90_001)
        {
            n = Math.Min(n, plain.Length - at);
            writer.Write(plain, at, n);
            writer.Flush();
            Assert.Equal(at + n, writer.Position);
        }
        writer.Complete();
        writer.Complete();
        Assert.Equal(expected, output.ToArray());
        Assert.Throws<InvalidOperationException>(() => writer.WriteByte(1));
    }

    [Fact]
    public void Dispose_WithoutComplete_LeavesATruncatedFile()
    {
        using var output = new MemoryStream();
        using (var writer = new BgzfWriter(output, new BgzfWriterOptions { Threads = 3, LeaveOpen = true }))
        {
            writer.Write(Compressed.Dna(9_000_000, 3));
        }
        Assert.True(output.Length > 0);
        Assert.Null(Compressed.TryReadAll(output.ToArray()));
    }

    [Fact]
    public void Write_FailingOutput_ThrowsAndNeverCompletes()
    {
        using var writer = new BgzfWriter(new FullStream(), new BgzfWriterOptions { Threads = 2, Level = 0 });
        Assert.Throws<IOException>(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                writer.Write(new byte[500_000]);
            }
        });
        Assert.Throws<InvalidOperationException>(() => writer.Complete());
    }

    [Fact]
    public void Options_WrongValues_AreAllNamed() =>
        Assert.Equal(2, new BgzfWriterOptions { Level = 10, Threads = -1 }.Validate().Count);

    private sealed class FullStream : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Length > 2_000_000)
            {
                throw new IOException("full");
            }
            base.Write(buffer);
        }
    }
}
