namespace GenoSeq.Data.Tests;

public class BgzfFileTests
{
    [Fact]
    public void Read_AcrossBlockBorders_GivesThePlainBytes()
    {
        using var temp = new TempFolder();
        byte[] plain = Compressed.Dna(400_000, 1);
        using BgzfFile file = BgzfFile.Open(temp.Write("a.gz", Compressed.Bgzf(plain)));
        Assert.Equal(plain.Length, file.Length);
        foreach (int border in Enumerable.Range(0, 8).Select(i => Math.Min(i * 0xFF00, plain.Length)))
        {
            foreach (int length in (ReadOnlySpan<int>)[0, 1, 2, 3, 100, 0xFF00, 0xFF01, 200_000])
            {
                for (int start = border - 2; start <= border + 1; start++)
                {
                    if (start >= 0 && start + length <= plain.Length)
                    {
                        Check(file, plain, start, length);
                    }
                }
            }
        }
        Check(file, plain, 0, plain.Length);
    }

    [Fact]
    public void Read_ManyEmptyAndTinyBlocks_GivesThePlainBytes()
    {
        using var temp = new TempFolder();
        byte[] plain = Compressed.Dna(1000, 2);
        byte[] bgzf = Compressed.BgzfBlocks(plain, 0, 0, 1, 0, 499, 0, 0, 0, 1, 1, 498, 0, 0);
        string path = temp.Write("a.gz", bgzf);
        using BgzfFile built = BgzfFile.Open(path);
        built.Index.Write(BgzfIndex.PathFor(path));
        using BgzfFile loaded = BgzfFile.Open(path);
        for (int start = 0; start <= plain.Length; start += 7)
        {
            Check(built, plain, start, Math.Min(37, plain.Length - start));
            Check(loaded, plain, start, Math.Min(600, plain.Length - start));
        }
    }

    [Fact]
    public void Read_FromEightThreads_GivesThePlainBytes()
    {
        using var temp = new TempFolder();
        byte[] plain = Compressed.Dna(3_000_000, 3);
        string path = temp.Write("a.gz", Compressed.Bgzf(plain, level: 1));
        // A cache much smaller than the file, so that blocks are thrown out while others read them.
        using BgzfFile file = BgzfFile.Open(path, cacheBlocks: 6);
        var failures = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
        var threads = Enumerable.Range(0, 8).Select(seed => new Thread(() => ReadRandomly(seed))).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.Empty(failures);

        void ReadRandomly(int seed)
        {
            try
            {
                var random = new Random(seed);
                for (int i = 0; i < 600; i++)
                {
                    int length = random.Next(random.Next(2) == 0 ? 500 : 200_000);
                    Check(file, plain, random.Next(plain.Length - length), length);
                }
            }
#pragma warning disable CA1031
            catch (Exception e)
#pragma warning restore CA1031
            {
                failures.Enqueue(e);
            }
        }
    }

    [Fact]
    public void Read_OutOfRange_IsAnArgumentError()
    {
        using var temp = new TempFolder();
        using BgzfFile file = BgzfFile.Open(temp.Write("a.gz", Compressed.Bgzf(Compressed.Dna(100, 1))));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(-1, new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(100, new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(0, new byte[101]));
        file.Read(100, []);
    }

    [Fact]
    public void Read_DamagedBlock_SaysItsOffset()
    {
        using var temp = new TempFolder();
        byte[] bgzf = Compressed.Bgzf(Compressed.Dna(200_000, 4));
        string path = temp.Write("a.gz", bgzf);
        BgzfIndex index = BgzfIndex.Build(path);
        long second = index.FileOffsets[1];
        bgzf[second + 5000] ^= 1;
        temp.Write("a.gz", bgzf);
        using BgzfFile file = BgzfFile.Open(path);
        file.Read(0, new byte[0xFF00]);
        var e = Assert.Throws<InputDataException>(() => file.Read(0xFF00 + 5, new byte[10]));
        Assert.Equal($"{path}, offset {second}", e.Where);
    }

    [Fact]
    public void Open_OnlyTheEndOfFileBlock_IsEmpty()
    {
        using var temp = new TempFolder();
        using BgzfFile file = BgzfFile.Open(temp.Write("a.gz", Compressed.Bgzf([])));
        Assert.Equal(0, file.Length);
        file.Read(0, []);
    }

    [Fact]
    public void Open_NoBgzf_IsRefused()
    {
        using var temp = new TempFolder();
        byte[] plain = Compressed.Dna(100_000, 1);
        byte[] bgzf = Compressed.Bgzf(plain);
        Refused(plain, "there is no BGZF block here");
        Refused([], "the BGZF data is truncated");
        Refused(TempFolder.Gzip(plain), "there is no BGZF block here");
        Refused(bgzf[..^28], "the BGZF data is truncated");
        Refused(bgzf[..^3], "the gzip data is truncated");
        Refused([.. bgzf, .. "junk"u8], "there is no BGZF block here");
        Refused([.. bgzf, .. TempFolder.Gzip(plain)], "there is no BGZF block here");
        using BgzfFile padded = BgzfFile.Open(temp.Write("padded.gz", [.. bgzf, .. new byte[50]]));
        Assert.Equal(plain.Length, padded.Length);

        void Refused(byte[] bytes, string what)
        {
            string path = temp.Write("x.gz", bytes);
            var e = Assert.Throws<InputDataException>(() => BgzfFile.Open(path));
            Assert.StartsWith(what, e.What, StringComparison.Ordinal);
        }
    }

    internal static void Check(BgzfFile file, byte[] plain, int start, int length)
    {
        var read = new byte[length];
        file.Read(start, read);
        Assert.True(read.AsSpan().SequenceEqual(plain.AsSpan(start, length)), $"{start}+{length}");
    }
}
