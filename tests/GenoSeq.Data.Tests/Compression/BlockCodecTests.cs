namespace GenoSeq.Data.Tests;

public class BlockCodecTests
{
    public static TheoryData<bool> Engines()
    {
        var engines = new TheoryData<bool> { false };
        if (LibDeflate.IsAvailable)
        {
            engines.Add(true);
        }
        return engines;
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Inflate_OfDeflate_GivesTheBytesBack(bool native)
    {
        using BlockInflater inflater = BlockInflater.Create(native);
        foreach (int level in Enumerable.Range(0, 10))
        {
            using BlockDeflater deflater = BlockDeflater.Create(level, native);
            foreach (byte[] content in Contents())
            {
                var compressed = new byte[content.Length + BlockDeflater.StoredOverhead];
                int n = deflater.Deflate(content, compressed);
                var back = new byte[content.Length];
                Assert.True(inflater.TryInflate(compressed.AsSpan(0, n), back));
                Assert.Equal(content, back);
            }
        }
    }

    [Fact]
    public void Inflate_BothEngines_ReadTheSame()
    {
        using BlockInflater managed = BlockInflater.Create(native: false);
        using BlockInflater native = BlockInflater.Create();
        using BlockDeflater deflater = BlockDeflater.Create(6);
        byte[] content = Compressed.Dna(3000, 1);
        var compressed = new byte[4000];
        int n = deflater.Deflate(content, compressed);
        var a = new byte[content.Length];
        var b = new byte[content.Length];
        for (int i = 0; i < n; i++)
        {
            byte[] damaged = compressed[..n];
            damaged[i] ^= 0x10;
            bool fromManaged = managed.TryInflate(damaged, a);
            bool fromNative = native.TryInflate(damaged, b);
            Assert.Equal(fromManaged, fromNative);
            Assert.True(!fromManaged || a.AsSpan().SequenceEqual(b));
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Inflate_WrongLengthOrTruncated_IsRefused(bool native)
    {
        using BlockInflater inflater = BlockInflater.Create(native);
        using BlockDeflater deflater = BlockDeflater.Create(6, native);
        byte[] content = Compressed.Dna(1000, 2);
        var compressed = new byte[2000];
        int n = deflater.Deflate(content, compressed);
        Assert.False(inflater.TryInflate(compressed.AsSpan(0, n), new byte[999]));
        Assert.False(inflater.TryInflate(compressed.AsSpan(0, n), new byte[1001]));
        Assert.False(inflater.TryInflate(compressed.AsSpan(0, n), []));
        for (int length = 0; length < n; length++)
        {
            Assert.False(inflater.TryInflate(compressed.AsSpan(0, length), new byte[1000]));
        }
    }

    private static IEnumerable<byte[]> Contents()
    {
        var random = new byte[BgzfHeader.WrittenContent];
        new Random(4).NextBytes(random);
        yield return random;
        yield return new byte[BgzfHeader.WrittenContent];
        yield return Compressed.Dna(BgzfHeader.WrittenContent, 3);
        yield return [65];
        yield return [];
    }
}
