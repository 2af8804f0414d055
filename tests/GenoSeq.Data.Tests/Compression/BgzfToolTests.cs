namespace GenoSeq.Data.Tests;

/// <summary>BGZF against htslib's tools.</summary>
public class BgzfToolTests
{
    [ToolFact("bgzip")]
    public void Bgzip_ReadsWhatWeWrite()
    {
        using var temp = new TempFolder();
        byte[] plain = Compressed.Dna(700_000, 1);
        foreach (int level in (ReadOnlySpan<int>)[0, 1, 6, 9])
        {
            string path = temp.Write("a.gz", Compressed.Bgzf(plain, level, threads: 2));
            Compressed.Run("bgzip", "-t", path);
            Assert.Equal(plain, Compressed.Run("bgzip", "-dc", path));
            Assert.Equal(plain, Compressed.Run("gzip", "-dc", path));
        }
    }

    [ToolFact("bgzip")]
    public void Read_OfBgzip_GivesThePlainBytes()
    {
        using var temp = new TempFolder();
        foreach (int length in (ReadOnlySpan<int>)[0, 1, 65_280, 65_281, 3_000_000])
        {
            byte[] plain = Compressed.Dna(length, 2);
            byte[] bgzf = Compressed.Run("bgzip", "-c", temp.Write("a", plain));
            Assert.Equal(plain, Compressed.ReadAll(bgzf, threads: 2));
        }
    }

    [ToolFact("bgzip")]
    public void Index_IsThatOfBgzipByteForByte()
    {
        using var temp = new TempFolder();
        byte[] plain = Compressed.Dna(1_000_000, 3);
        byte[][] files =
        [
            Compressed.Bgzf(plain), Compressed.Bgzf([1]), Compressed.Bgzf(plain[..0xFF00]),
            [.. Compressed.Bgzf(plain[..5000]), .. Compressed.Bgzf(plain)],
            Compressed.BgzfBlocks(plain[..1000], 1, 0, 499, 0, 0, 500, 0),
        ];
        foreach (byte[] bgzf in files)
        {
            string path = temp.Write("a.gz", bgzf);
            Compressed.Run("bgzip", "-r", path);
            byte[] theirs = File.ReadAllBytes(BgzfIndex.PathFor(path));
            Assert.Equal(theirs, BgzfIndex.Build(path).ToBytes());
            Assert.Equal(theirs, BgzfIndex.Load(BgzfIndex.PathFor(path), path).ToBytes());
        }
    }

    [ToolFact("bgzip")]
    public void Read_WithBgzipsIndex_GivesBgzipsBytes()
    {
        using var temp = new TempFolder();
        byte[] plain = Compressed.Dna(500_000, 4);
        string path = temp.Write("a.gz", Compressed.Bgzf(plain));
        Compressed.Run("bgzip", "-r", path);
        using BgzfFile file = BgzfFile.Open(path);
        foreach (int start in (ReadOnlySpan<int>)[0, 1, 65_279, 65_280, 130_000, 499_000])
        {
            byte[] theirs = Compressed.Run("bgzip", "-b", $"{start}", "-s", "1000", path);
            var ours = new byte[theirs.Length];
            file.Read(start, ours);
            Assert.Equal(theirs, ours);
        }
    }

    [ToolFact("samtools")]
    public void Samtools_ReadsFastaAndIndexThatWeWrite()
    {
        using var temp = new TempFolder();
        string path = temp.PathOf("a.fa.gz");
        byte[] bases = [.. Compressed.Dna(300_000, 5).Where(b => b != '\n')];
        using (FastaWriter writer = FastaWriter.Create(path, new FastaWriterOptions { WriteIndex = true }))
        {
            writer.WriteRecord("one", bases.AsSpan(0, 100), "first");
            writer.WriteRecord("two", bases);
            writer.Commit();
        }
        byte[] index = File.ReadAllBytes(BgzfIndex.PathFor(path));
        string got = System.Text.Encoding.ASCII.GetString(Compressed.Run("samtools", "faidx", "-n", "0", path, "two:100001-200000"));
        Assert.Equal(System.Text.Encoding.ASCII.GetString(bases.AsSpan(100_000, 100_000)),
            string.Concat(got.Split('\n').Skip(1)));
        Assert.Equal(index, File.ReadAllBytes(BgzfIndex.PathFor(path)));
        Compressed.Run("bgzip", "-r", path);
        Assert.Equal(index, File.ReadAllBytes(BgzfIndex.PathFor(path)));
    }
}
