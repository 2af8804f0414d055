using System.Text;
using Xunit.Abstractions;

namespace GenoSeq.Data.Tests;

public sealed class ParquetGenomeTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1L << 30, false)]
    [InlineData(0L, true)]
    public void Open_RowsOfSeveralFiles_AreContigs(long budget, bool onDisk)
    {
        using var temp = new TempFolder();
        using FastaGenome source = Genomes.Random(8, 9_000_000, 100_000);
        var options = new WindowTilingOptions { Length = 997 };
        WindowTiling windows = WindowTiling.Create(source, options);
        string folder = temp.PathOf("w");
        ParquetWriter.WriteFolder(source, windows, folder, new ParquetWriterOptions { RowsPerShard = 5000 });
        string spill = temp.PathOf("spill");
        using ParquetGenome genome = ParquetGenome.Open([folder], null, budget, spill);
        Assert.Equal(onDisk, genome.OnDisk);
        Assert.Equal(windows.Count, genome.Contigs.Count);
        Assert.Equal("row1", genome.Contigs[0].Name);
        Assert.Equal(windows.Count * 997, genome.TotalBases);
        Assert.Equal(2, genome.Digest.Files.Count);
        Assert.Equal(5000, genome.Digest.Files[0].Sequences);
        Assert.Equal(windows.Count, genome.Digest.Sequences);
        if (onDisk)
        {
            Assert.Empty(Directory.GetFiles(spill));
        }

        Parallel.For(0, genome.Contigs.Count, i =>
        {
            byte[] expected = new byte[300], actual = new byte[300];
            GenomeInterval at = windows[i].Interval;
            int skip = i % 690;
            source.Read(at.Contig, at.Start + skip, expected);
            genome.Read(i, skip, actual);
            Assert.Equal(expected, actual);
        });
    }

    [Fact]
    public void LengthOf_UnnamedRows_MakesNoStrings() => OpenRows(100_000, null);

    [Fact]
    [Trait("Category", "Slow")]
    public void LengthOf_TenMillionUnnamedRows_MakesNoStrings() => OpenRows(10_000_000, output);

    private static void OpenRows(int count, ITestOutputHelper? output)
    {
        const int Length = 32;
        using var temp = new TempFolder();
        string file = temp.PathOf("w.parquet");
        using (FastaGenome source = Genomes.Random(8, count * Length))
        {
            ParquetWriter.WriteFile(source, WindowTiling.Create(source, new WindowTilingOptions { Length = Length }), file);
        }

        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        using ParquetGenome genome = ParquetGenome.Open([file]);
        double opened = System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds;
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal((long)count * Length, genome.TotalBases);
        Assert.Equal(count - 1, genome.IndexOf($"row{count}"));
        Assert.Equal(-1, genome.IndexOf($"row{count + 1}"));
        Assert.Equal(-1, genome.IndexOf("row01"));
        byte[] bases = new byte[Length];
        for (int i = 0; i < count; i += 7)
        {
            genome.Read(i, genome.LengthOf(i) - 1, bases.AsSpan(0, 1));
        }

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4096);
        before = GC.GetAllocatedBytesForCurrentThread();
        IReadOnlyList<GenomeInterval> whole = genome.WholeContigs();
        Assert.Equal(count, whole.Count);
        // 24 bytes an interval, and nothing else.
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 25L * count);
        started = System.Diagnostics.Stopwatch.GetTimestamp();
        var sampler = new WindowSampler(genome, whole, new WindowSamplerOptions { Length = Length, MinAcgtFraction = 0 });
        Assert.Equal(count, sampler.WindowsPerEpoch(0));
        for (int i = 0; i < 100_000; i++)
        {
            GenomeInterval drawn = sampler.At(i).Interval;
            genome.Read(drawn.Contig, drawn.Start, bases);
        }

        output?.WriteLine(FormattableString.Invariant(
            $"{count} rows: opened in {opened:F1} s, sampler and 100,000 windows in {System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s, peak {System.Diagnostics.Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB"));
    }

    [Fact]
    public void Open_IdColumn_NamesContigsAndRefusesTwins()
    {
        using var temp = new TempFolder();
        using FastaGenome source = Genomes.Random(8, 50, 60, 70);
        string file = temp.PathOf("w.parquet");
        ParquetWriter.WriteFile(source, WindowTiling.Create(source, new WindowTilingOptions { Length = 1000, KeepShort = true }), file);
        using (ParquetGenome genome = ParquetGenome.Open([file], new ParquetSequenceOptions { IdColumn = "contig" }))
        {
            Assert.Equal(source.Contigs, genome.Contigs);
            Assert.Equal(2, genome.IndexOf("c2"));
            Assert.Equal(Genomes.Text(source, 2), Genomes.Text(genome, 2));
        }

        InputDataException e = Assert.Throws<InputDataException>(() => ParquetGenome.Open([file], new ParquetSequenceOptions { IdColumn = "strand" }));
        Assert.Contains("two rows have the id '+'", e.What, StringComparison.Ordinal);
    }

    [SharedFact]
    public void Open_TextThatIsNoDna_NamesTheLetterAndRow()
    {
        string path = Repository.SharedPath("data", "peer_inputs", "parquet_testing", "data", "delta_length_byte_array.parquet");
        InputDataException e = Assert.Throws<InputDataException>(() => ParquetGenome.Open([path]));
        Assert.Contains("no nucleotide", e.What, StringComparison.Ordinal);
        Assert.Contains("row 1", e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_Read_OutsideAContig_Throws()
    {
        using var temp = new TempFolder();
        using FastaGenome source = Genomes.Random(8, 50);
        string file = temp.PathOf("w.parquet");
        ParquetWriter.WriteFile(source, WindowTiling.Create(source, new WindowTilingOptions { Length = 50 }), file);
        using ParquetGenome genome = ParquetGenome.Open([file]);
        Assert.Throws<ArgumentOutOfRangeException>(() => genome.Read(1, 0, new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => genome.Read(0, 41, new byte[10]));
        Assert.Throws<ArgumentOutOfRangeException>(() => genome.Read(0, -1, new byte[1]));
        genome.Read(0, 40, new byte[10]);
        Assert.Equal(Encoding.ASCII.GetBytes(Genomes.Text(source, 0)), Encoding.ASCII.GetBytes(Genomes.Text(genome, 0)));
    }
}
