using System.Security.Cryptography;

namespace GenoSeq.Data.Tests;

public class InputFileTests
{
    [Theory]
    [InlineData("28B52FFD00", "zstd data", "zstd -dc x | gzip > x.gz")]
    [InlineData("FD377A585A0000", "xz data", "xz -dc x | gzip > x.gz")]
    [InlineData("425A683931415926535900", "bzip2 data", "bzip2 -dc x | gzip > x.gz")]
    [InlineData("425A683917724538509000000000", "bzip2 data", "bzip2 -dc x | gzip > x.gz")]
    [InlineData("504B030414000000", "a zip archive", "unzip -p x | gzip > x.gz")]
    [InlineData("04224D18", "lz4 data", "lz4 -dc x | gzip > x.gz")]
    [InlineData("1F9D90", "data of compress", "uncompress -c x | gzip > x.gz")]
    public void Open_OtherCompression_IsRefusedWithTheTool(string hex, string kind, string advice)
    {
        using var stream = new MemoryStream(Convert.FromHexString(hex));
        var e = Assert.Throws<InputDataException>(() => InputFile.FromStream(stream, "x"));
        Assert.Equal($"this is {kind}, which is not read", e.What);
        Assert.Equal(advice, e.Try);
    }

    [Fact]
    public void Open_PlainGzipAndBgzf_AreRecognised()
    {
        using var temp = new TempFolder();
        byte[] plain = Compressed.Dna(3000, 1);
        Check(temp.Write("a", plain), CompressionKind.None);
        Check(temp.Write("b", TempFolder.Gzip(plain)), CompressionKind.Gzip);
        Check(temp.Write("c", Compressed.Bgzf(plain)), CompressionKind.Bgzf);

        void Check(string path, CompressionKind kind)
        {
            using InputFile file = InputFile.Open(path, new InputFileOptions());
            Assert.Equal((kind, path), (file.Compression, file.Name));
            Assert.Equal(plain, Compressed.ReadAll(file.Content));
            Assert.Throws<InvalidOperationException>(() => file.FinishDigest());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("B")]
    [InlineData("BZh1 is a name")]
    [InlineData("PK")]
    public void Open_ShortOrSimilarText_IsPlain(string text)
    {
        using var stream = new MemoryStream(System.Text.Encoding.Latin1.GetBytes(text));
        using InputFile file = InputFile.FromStream(stream, "x");
        Assert.Equal(CompressionKind.None, file.Compression);
        Assert.Equal(text.Length, Compressed.ReadAll(file.Content).Length);
    }

    [Theory]
    [InlineData(100, 1)]
    [InlineData(100, 2)]
    [InlineData(20_000_000, 1)]
    [InlineData(20_000_000, 3)]
    public void FinishDigest_AnyReading_IsOfTheBytesOnDisk(int length, int threads)
    {
        byte[] plain = Compressed.Dna(length, 2);
        var options = new InputFileOptions { Digest = true, Threads = threads };
        foreach (byte[] bytes in (byte[][])[plain, TempFolder.Gzip(plain), Compressed.Bgzf(plain, level: 1)])
        {
            foreach (int toRead in (int[])[0, 50, length])
            {
                using InputFile file = InputFile.FromStream(new MemoryStream(bytes), "x", options);
                file.Content.ReadExactly(new byte[toRead]);
                (long size, string digest) = file.FinishDigest();
                Assert.Equal((bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes))), ((int)size, digest));
            }
        }
    }

    [Fact]
    public void Content_OfLargeGzip_IsReadAheadUnchanged()
    {
        byte[] plain = Compressed.Dna(6_000_000, 3);
        byte[] gzip = TempFolder.Gzip(plain);
        Assert.True(gzip.Length > 1 << 20);
        Assert.Equal(plain, Compressed.ReadAll(gzip, threads: 2));
        Assert.Null(Compressed.TryReadAll(gzip[..^3], threads: 2));
        using InputFile file = InputFile.FromStream(new MemoryStream(gzip), "x", new InputFileOptions { Threads = 2 });
        Assert.Equal(plain[0], file.Content.ReadByte());
    }

    [Fact]
    public void Open_MissingFileOrFolder_SaysSo()
    {
        using var temp = new TempFolder();
        Assert.Equal("file not found", Assert.Throws<InputDataException>(
            () => InputFile.Open(temp.PathOf("no"), new InputFileOptions())).What);
        Assert.Contains("a folder was given", Assert.Throws<InputDataException>(
            () => InputFile.Open(Path.GetTempPath(), new InputFileOptions())).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FailingDevice_IsInputDataException()
    {
        using InputFile file = InputFile.FromStream(new FailingStream(), "x", new InputFileOptions { Threads = 4 });
        Assert.Contains("cannot be read to its end: gone",
            Assert.Throws<InputDataException>(() => Compressed.ReadAll(file.Content)).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_WrongThreads_AreRefused()
    {
        Assert.Single(new InputFileOptions { Threads = -1 }.Validate());
        Assert.Throws<ArgumentOutOfRangeException>(
            () => InputFile.FromStream(Stream.Null, "x", new InputFileOptions { Threads = 1000 }));
    }

    private sealed class FailingStream : ReadOnlyStream
    {
        private readonly byte[] _gzip = TempFolder.Gzip(Compressed.Dna(4000, 1));
        private bool _given;

        public override int Read(Span<byte> buffer)
        {
            if (_given)
            {
                throw new IOException("gone");
            }
            _given = true;
            int n = Math.Min(500, buffer.Length);
            _gzip.AsSpan(0, n).CopyTo(buffer);
            return n;
        }
    }
}
