using System.Text;

namespace GenoSeq.Data.Tests;

public sealed class ParquetWriterTests
{
    private static readonly ParquetWriterOptions s_small = new() { RowsPerShard = 1000, RowsPerGroup = 300, Metadata = new Dictionary<string, string> { ["it's"] = "quoted 'well'" } };

    [Theory]
    [InlineData("zstd")]
    [InlineData("snappy")]
    [InlineData("gzip")]
    [InlineData("lz4_raw")]
    [InlineData("brotli")]
    [InlineData("uncompressed")]
    public void WriteFolder_AnyCodec_ReadsBackEveryWindow(string codec)
    {
        using var temp = new TempFolder();
        using FastaGenome genome = Genomes.RandomOf("ACGTNacgtn", 3, 5000, 31, 70_001);
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = 64, Stride = 17, KeepShort = true });
        string folder = temp.PathOf("out");
        int shards = ParquetWriter.WriteFolder(genome, windows, folder, s_small with { Codec = codec });
        Assert.Equal((windows.Count + 999) / 1000, shards);
        Assert.Equal(shards, Directory.GetFiles(folder).Length);
        Assert.Equal(windows.Count, WindowVerifier.Compare(genome, windows, folder));
    }

    [Fact]
    public void Compare_OtherSource_NamesTheRow()
    {
        using var temp = new TempFolder();
        using FastaGenome genome = Genomes.Parse(">a\nACGTACGTACGTACGT\n");
        using FastaGenome other = Genomes.Parse(">a\nACGTACGTACGAACGT\n");
        var options = new WindowTilingOptions { Length = 4 };
        string file = temp.PathOf("w.parquet");
        ParquetWriter.WriteFile(genome, WindowTiling.Create(genome, options), file);
        InputDataException e = Assert.Throws<InputDataException>(() => WindowVerifier.Compare(other, WindowTiling.Create(other, options), file));
        Assert.Contains("row 3", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void WriteFile_OutputExists_IsRefusedUnlessOverwritten()
    {
        using var temp = new TempFolder();
        using FastaGenome genome = Genomes.Random(1, 1000);
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = 100 });
        string file = temp.Write("w.parquet", "precious");
        Assert.Throws<OutputException>(() => ParquetWriter.WriteFile(genome, windows, file));
        Assert.Equal("precious", File.ReadAllText(file));
        ParquetWriter.WriteFile(genome, windows, file, new ParquetWriterOptions { Overwrite = true });
        Assert.Equal(10, WindowVerifier.Compare(genome, windows, file));
    }

    [Fact]
    public void WriteFolder_FolderWithOtherThings_IsNeverReplaced()
    {
        using var temp = new TempFolder();
        using FastaGenome genome = Genomes.Random(1, 1000);
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = 100 });
        string notes = temp.Write("out/notes.txt", "precious");
        Assert.Throws<OutputException>(() => ParquetWriter.WriteFolder(genome, windows, temp.PathOf("out"), new ParquetWriterOptions { Overwrite = true }));
        Assert.Equal("precious", File.ReadAllText(notes));
    }

    [Fact]
    public void WriteFolder_SourceFails_LeavesNothingAndSaysWhy()
    {
        using var temp = new TempFolder();
        using FastaGenome genome = Genomes.Random(1, 100_000);
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = 10 });
        using var broken = new BrokenGenome(genome, 5000);
        IOException e = Assert.Throws<IOException>(() => ParquetWriter.WriteFolder(broken, windows, temp.PathOf("out")));
        Assert.Equal("the disk is gone", e.Message);
        Assert.Empty(Directory.GetFileSystemEntries(temp.PathOf("")));
    }

    [Fact]
    public void WriteFile_WithSplit_WritesThePartOfEveryWindow()
    {
        using var temp = new TempFolder();
        using FastaGenome genome = Genomes.Random(5, 1000);
        GenomeSplit split = GenomeSplit.Create(genome, new SplitOptions { ValidationFraction = 0.2, TestFraction = 0.1 });
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = 50, Split = split });
        string file = temp.PathOf("w.parquet");
        ParquetWriter.WriteFile(genome, windows, file);
        var parts = new List<string>();
        using ParquetReader reader = ParquetReader.Open([file], new ParquetSequenceOptions { LabelColumn = "split" });
        using ParquetSequenceRows rows = reader.Rows();
        while (rows.MoveNext())
        {
            parts.Add(Encoding.ASCII.GetString(rows.Label));
        }

        Assert.Equal([.. Enumerable.Repeat("train", 14), .. Enumerable.Repeat("valid", 4), .. Enumerable.Repeat("test", 2)], parts);
    }

    [Fact]
    public void WriteFile_WindowsOfAMillion_DoNotNeedAChunkOfThem()
    {
        using var temp = new TempFolder();
        using FastaGenome genome = Genomes.Random(6, 1_100_000);
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = 1_000_000, Stride = 1000 });
        string file = temp.PathOf("w.parquet");
        ParquetWriter.WriteFile(genome, windows, file);
        Assert.Equal(101, WindowVerifier.Compare(genome, windows, file));
    }

    private sealed class BrokenGenome(GenomeSource inner, long reads) : GenomeSource
    {
        private long _reads = reads;

        public override IReadOnlyList<Contig> Contigs => inner.Contigs;

        public override GenomeDigest Digest => inner.Digest;

        public override void Read(int contig, long start, Span<byte> destination)
        {
            if (Interlocked.Decrement(ref _reads) < 0)
            {
                throw new IOException("the disk is gone");
            }

            inner.Read(contig, start, destination);
        }
    }
}
