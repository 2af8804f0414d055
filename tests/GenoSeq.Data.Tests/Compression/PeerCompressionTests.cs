namespace GenoSeq.Data.Tests;

/// <summary>Compressed files of other projects.</summary>
public class PeerCompressionTests
{
    [SharedFact]
    public void Htslib_BgzipTest_IsReadWholeAndByItsIndex()
    {
        string path = Peer("htslib", "bgziptest.txt.gz");
        byte[] plain = File.ReadAllBytes(Peer("htslib", "bgziptest.txt"));
        Assert.Equal(plain, Read(path, CompressionKind.Bgzf));
        using BgzfFile file = BgzfFile.Open(path, BgzfIndex.Load(Peer("htslib", "bgziptest.txt.gz.gzi"), path));
        Assert.Equal(plain.Length, file.Length);
        for (int start = 0; start <= plain.Length; start++)
        {
            for (int length = 0; length <= plain.Length - start; length++)
            {
                BgzfFileTests.Check(file, plain, start, length);
            }
        }
        Assert.Equal(file.Index.ContentOffsets.ToArray(), BgzfIndex.Build(path).ContentOffsets.ToArray());
    }

    [SharedTheory]
    [InlineData("getfasta/t.fa.gz", CompressionKind.Bgzf)]
    [InlineData("intersect/a_bgzipped.bed.gz", CompressionKind.Bgzf)]
    [InlineData("intersect/a_withLargeHeader_bgzipped.bed.gz", CompressionKind.Bgzf)]
    [InlineData("intersect/a_withLargeHeader_gzipped.bed.gz", CompressionKind.Gzip)]
    public void Bedtools_CompressedFiles_AreRead(string file, CompressionKind kind)
    {
        string path = Peer(["bedtools2", .. file.Split('/')]);
        byte[] read = Read(path, kind);
        Assert.NotEmpty(read);
        if (kind == CompressionKind.Bgzf)
        {
            using BgzfFile random = BgzfFile.Open(path);
            BgzfFileTests.Check(random, read, 0, read.Length);
        }
        if (Tools.Find("gzip") is { } gzip)
        {
            Assert.Equal(Compressed.Run(gzip, "-dc", path), read);
        }
    }

    [SharedTheory]
    [InlineData("test.fa.bz2", "bzip2 data")]
    [InlineData("test.fa.xz", "xz data")]
    public void Needletail_OtherCompression_IsRefused(string file, string kind)
    {
        var e = Assert.Throws<InputDataException>(() => InputFile.Open(Peer("needletail", file)));
        Assert.Equal($"this is {kind}, which is not read", e.What);
    }

    [SharedFact]
    public void EveryPeerFile_IsReadOrRefusedInWords()
    {
        foreach (string path in Directory.EnumerateFiles(Peer(), "*", SearchOption.AllDirectories))
        {
            try
            {
                Read(path, null);
            }
            catch (InputDataException e)
            {
                Assert.NotNull(e.Where);
            }
        }
    }

    private static string Peer(params string[] parts) => Repository.SharedPath(["data", "peer_inputs", .. parts]);

    private static byte[] Read(string path, CompressionKind? kind)
    {
        using InputFile file = InputFile.Open(path, new InputFileOptions());
        Assert.Equal(kind ?? file.Compression, file.Compression);
        return Compressed.ReadAll(file.Content);
    }
}
