namespace GenoSeq.Data.Tests;

public class GenomeFilesTests
{
    private static readonly GenomeOpenOptions s_onDisk = new() { InMemoryLimit = 0, InMemoryLimitCompressed = 0 };

    [Fact]
    public void Open_ByContent_PicksTheSource()
    {
        using var folder = new TempFolder();
        string plain = folder.Write("plain.2bit", ">a\nACGT\n");
        string gzip = folder.Write("gzip.fa", TempFolder.Gzip(">a\nACGT\n"));
        string twoBit = folder.Write("two.fa", TwoBitWriter.Write([("a", "ACGT")]));
        Assert.IsType<FastaGenome>(Open(plain));
        Assert.IsType<IndexedFastaGenome>(Open(plain, s_onDisk));
        Assert.IsType<FastaGenome>(Open(gzip));
        Assert.IsType<TwoBitGenome>(Open(twoBit));

        GenomeSource Open(string path, GenomeOpenOptions? options = null)
        {
            using GenomeSource genome = GenomeFiles.Open([path], options);
            Assert.Equal("ACGT", Genomes.Text(genome, 0));
            return genome;
        }
    }

    [Fact]
    public void Open_LargeGzip_WarnsOnceThatItNeedsMemory()
    {
        using var folder = new TempFolder();
        string gzip = folder.Write("g.fa.gz", TempFolder.Gzip(">a\nACGT\n"));
        var warnings = new List<string>();
        GenomeFiles.Open([gzip, folder.Write("b.fa", ">b\nA\n")], s_onDisk with { Warn = warnings.Add }).Dispose();
        Assert.Contains("bgzip", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_SeveralKinds_AreOneGenomeWithUniqueNames()
    {
        using var folder = new TempFolder();
        string[] paths =
        [
            folder.Write("one.fa", ">chr\nACGT\n>only1\nAC\n"),
            folder.Write("two.2bit", TwoBitWriter.Write([("chr", "TTNNacgt"), ("only2", "G")])),
        ];
        using GenomeSource genome = GenomeFiles.Open(paths, s_onDisk);
        Assert.Equal([new("one/chr", 4), new("only1", 2), new("two/chr", 8), new("only2", 1)], genome.Contigs);
        Assert.Equal(["ACGT", "AC", "TTNNacgt", "G"], Enumerable.Range(0, 4).Select(i => Genomes.Text(genome, i)));
        Assert.Equal((4, 15L, 2L), (genome.Digest.Sequences, genome.Digest.Bases, genome.Digest.NCount));
        Assert.Equal(paths, genome.Digest.Files.Select(f => f.File));
    }

    [Fact]
    public void Open_FoldersAndPatterns_AreExpandedInOrder()
    {
        using var folder = new TempFolder();
        folder.Write("g/b.fa", ">b\nAC\n");
        folder.Write("g/a.fa.gz", TempFolder.Gzip(">a\nACGT\n"));
        folder.Write("g/README", "words");
        folder.Write("g/b.fa.fai", "b\t2\t3\t2\t3\n");
        foreach (string path in new[] { folder.PathOf("g"), folder.PathOf("g/?.fa*") })
        {
            using GenomeSource genome = GenomeFiles.Open([path]);
            Assert.Equal(["a", "b"], genome.Contigs.Select(c => c.Name));
        }
    }

    [Fact]
    public void Open_NothingToOpen_SaysSo()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.PathOf("empty"));
        Assert.Equal("file not found", Refusal(folder.PathOf("absent.fa")));
        Assert.Equal("the file is empty", Refusal(folder.Write("empty.fa", "")));
        Assert.Equal("no file matches the pattern", Refusal(folder.PathOf("*.nothing")));
        Assert.StartsWith("no genome file in the folder", Refusal(folder.PathOf("empty")), StringComparison.Ordinal);
        Assert.Equal("no genome file given", Assert.Throws<InputDataException>(() => GenomeFiles.Open([])).What);

        static string Refusal(string path) => Assert.Throws<InputDataException>(() => GenomeFiles.Open([path])).What;
    }
}
