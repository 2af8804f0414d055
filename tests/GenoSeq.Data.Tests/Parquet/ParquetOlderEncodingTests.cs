using GenoSeq.Data.Parquet;

namespace GenoSeq.Data.Tests;

/// <summary>What the native decoder does not know and is written anew for it, and pages that lie about their sizes.</summary>
public sealed class ParquetOlderEncodingTests
{
    private static string Peer(string name) => Repository.SharedPath("data", "peer_inputs", "parquet_testing", "data", name);

    private static string[] Column(string path, string column)
    {
        var values = new List<string>();
        using ParquetReader reader = ParquetReader.Open([path], new ParquetSequenceOptions { SequenceColumn = column, Nulls = ParquetNulls.Skip });
        using ParquetSequenceRows rows = reader.Rows();
        while (rows.MoveNext())
        {
            values.Add(Convert.ToHexString(rows.Sequence));
        }

        return [.. values];
    }

    [SharedTheory]
    [InlineData("hadoop_lz4_compressed.parquet")]
    [InlineData("non_hadoop_lz4_compressed.parquet")]
    public void Rows_OldLz4_EqualLz4Raw(string name)
    {
        string[] expected = Column(Peer("lz4_raw_compressed.parquet"), "c1");
        Assert.Equal(["616263", "646566", "616263", "646566"], expected);
        Assert.Equal(expected, Column(Peer(name), "c1"));
    }

    [SharedTheory]
    [InlineData("flba5")]
    [InlineData("float16")]
    [InlineData("decimal")]
    public void Rows_SplitBytes_EqualThePlainColumn(string column)
    {
        string path = Peer("byte_stream_split_extended.gzip.parquet");
        string[] expected = Column(path, column + "_plain");
        Assert.Equal(200, expected.Length);
        Assert.Equal(expected, Column(path, column + "_byte_stream_split"));
    }

    [SharedFact]
    public void Rows_OldLz4_LeavesNoTemporaryFile()
    {
        static int Left() => Directory.GetDirectories(Path.GetTempPath(), "genoseq-parquet-*").Length;
        int before = Left();
        Column(Peer("hadoop_lz4_compressed.parquet"), "c1");
        Assert.True(Left() <= before);
    }

    [Fact]
    public void Decode_Lz4Block_CopiesOverlappingMatches()
    {
        // "ab", then a match of 4 + 3 bytes at distance 2, then the literals "xyz".
        byte[] block = [0x23, (byte)'a', (byte)'b', 2, 0, 0x30, (byte)'x', (byte)'y', (byte)'z'];
        Assert.Equal("ab" + "abababa" + "xyz", System.Text.Encoding.ASCII.GetString(Lz4Block.Decode(block, 12)));
        byte[] framed = [0, 0, 0, 12, 0, 0, 0, (byte)block.Length, .. block];
        Assert.Equal(Lz4Block.Decode(block, 12), Lz4Block.DecodeEither(framed, 12));
        Assert.Equal(Lz4Block.Decode(block, 12), Lz4Block.DecodeEither(block, 12));
    }

    [Theory]
    [InlineData(new byte[] { 0x20, 1 }, 2)]
    [InlineData(new byte[] { 0x20, 1, 2 }, 3)]
    [InlineData(new byte[] { 0x10, 1, 0, 0 }, 5)]
    [InlineData(new byte[] { 0x10, 1, 2, 0 }, 5)]
    [InlineData(new byte[] { 0x10, 1, 1 }, 5)]
    [InlineData(new byte[] { 0xF0, 255, 255 }, 40)]
    [InlineData(new byte[] { 0x1F, 1, 1, 0 }, 40)]
    [InlineData(new byte[] { 0x10, 1 }, int.MaxValue)]
    public void Decode_DamagedLz4Block_IsRefused(byte[] block, int size)
    {
        Assert.Throws<FormatException>(() => Lz4Block.Decode(block, size));
        Assert.Throws<FormatException>(() => Lz4Block.DecodeEither(block, size));
    }

    [Theory]
    [InlineData("gzip", 2)]
    [InlineData("brotli", 4)]
    public void ReallyExpands_SizeThatIsALie_IsFound(string name, int codec)
    {
        using var packed = new MemoryStream();
        using (Stream stream = name == "gzip"
            ? new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true)
            : new System.IO.Compression.BrotliStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
        {
            stream.Write(new byte[3_000_000]);
        }

        byte[] bytes = packed.ToArray();
        Assert.False(ParquetCodec.IsBelievable(bytes.Length, 3_000_000));
        Assert.True(ParquetCodec.ReallyExpands(bytes, 0, 3_000_000, codec));
        Assert.False(ParquetCodec.ReallyExpands(bytes, 0, 2_999_999, codec));
        Assert.False(ParquetCodec.ReallyExpands(bytes, 0, int.MaxValue, codec));
        Assert.False(ParquetCodec.ReallyExpands(bytes[..^5], 0, 3_000_001, codec));
    }

    [Fact]
    public void MostFrom_ZstdFrames_CountsBlocks()
    {
        // A frame with a size of one byte, a block of 5 raw bytes and a last block that repeats one byte 100,000 times.
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 0, 5 << 3, 0, 0, 1, 2, 3, 4, 5, .. RunOf(100_000), 7];
        Assert.Equal(100_005, ZstdFrames.MostFrom(frame));
        Assert.Equal(2 * 100_005, ZstdFrames.MostFrom([.. frame, .. frame]));
        Assert.Equal(5, ZstdFrames.MostFrom(frame.AsSpan(0, frame.Length - 1)));
        Assert.Equal(0, ZstdFrames.MostFrom([1, 2, 3, 4, 5, 6]));
        Assert.False(ParquetCodec.ReallyExpands(frame, 0, 2_000_000, ParquetCodec.Zstd));
    }

    private static byte[] RunOf(int count)
    {
        int header = 1 | (1 << 1) | (count << 3);
        return [(byte)header, (byte)(header >> 8), (byte)(header >> 16)];
    }
}
