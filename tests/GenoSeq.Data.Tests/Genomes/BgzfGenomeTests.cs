using System.Text;

namespace GenoSeq.Data.Tests;

/// <summary>Genomes in BGZF, written by ourselves and by bgzip.</summary>
public class BgzfGenomeTests
{
    private static readonly GenomeOpenOptions s_onDisk = new() { InMemoryLimit = 0, InMemoryLimitCompressed = 0 };

    [Fact]
    public void Open_Bgzf_EqualsGenomeInMemory()
    {
        using var folder = new TempFolder();
        byte[] fasta = Encoding.ASCII.GetBytes(Fasta(new Random(5)));
        string path = folder.Write("g.fa.gz", []);
        using (FileStream file = File.Create(path))
        using (var bgzf = new BgzfWriter(file, new BgzfWriterOptions()))
        {
            bgzf.Write(fasta);
            bgzf.Complete();
        }
        using GenomeSource disk = GenomeFiles.Open([path], s_onDisk);
        Assert.IsType<IndexedFastaGenome>(disk);
        using FastaGenome memory = FastaGenome.Load(path);
        Assert.Equal(memory.Contigs, disk.Contigs);
        Assert.Equal(memory.Digest.Files, disk.Digest.Files);
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, t =>
        {
            var random = new Random(t);
            for (int i = 0; i < 40; i++)
            {
                int contig = random.Next(memory.Contigs.Count);
                long start = random.NextInt64(memory.Contigs[contig].Length);
                var interval = new GenomeInterval(contig, start, start + random.NextInt64(memory.Contigs[contig].Length - start));
                Assert.True(GenomeRegion.Read(memory, interval).AsSpan().SequenceEqual(GenomeRegion.Read(disk, interval)));
            }
        });
    }

    [ToolFact("bgzip", Shared = true)]
    public void Read_GenomesThroughBgzip_EqualSamtools()
    {
        using var folder = new TempFolder();
        var random = new Random(8);
        int files = 0;
        foreach (string gzip in Directory.EnumerateFiles(Repository.SharedPath("data", "genomes"), "*.fa.gz", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string plain = folder.PathOf(Path.GetFileNameWithoutExtension(gzip));
            using (FileStream file = File.Create(plain))
            using (InputFile input = InputFile.Open(gzip, new InputFileOptions()))
            {
                input.Content.CopyTo(file);
            }
            Tool.Result bgzip = Tool.Run("bgzip", "-c", "-l", "1", plain);
            Assert.True(bgzip.ExitCode == 0, bgzip.Error);
            string path = folder.Write(Path.GetFileName(gzip), bgzip.Out);
            Assert.Equal(0, Tool.Run("samtools", "faidx", path).ExitCode);
            (byte[] fai, byte[] gzi) = (File.ReadAllBytes(path + ".fai"), File.ReadAllBytes(path + ".gzi"));
            File.Delete(path + ".fai");
            File.Delete(path + ".gzi");
            IndexReport report = GenomeIndexer.Make(path);
            Assert.Equal(["written", "written"], report.Indexes.Select(i => i.State));
            Assert.Equal(fai, File.ReadAllBytes(path + ".fai"));
            Assert.Equal(gzi.Length, File.ReadAllBytes(path + ".gzi").Length);
            Assert.Equal(["current", "current"], GenomeIndexer.Make(path).Indexes.Select(i => i.State));
            Assert.Equal(["ok", "ok"], GenomeIndexer.Check(path).Indexes.Select(i => i.State));
            using GenomeSource genome = GenomeFiles.Open([path], s_onDisk);
            SamtoolsIntervalTests.Compare(genome, path, path, random, path);
            files++;
        }
        Assert.True(files > 10, $"{files}");
    }

    [Fact]
    public void Make_OrdinaryGzipOr2bit_IsRefusedWithAdvice()
    {
        using var folder = new TempFolder();
        var e = Assert.Throws<InputDataException>(() => GenomeIndexer.Make(folder.Write("g.fa.gz", TempFolder.Gzip(">a\nAC\n"))));
        Assert.Contains("bgzip", e.Try, StringComparison.Ordinal);
        Assert.Throws<InputDataException>(() => IndexedFastaGenome.Open(folder.PathOf("g.fa.gz")));
        Assert.Equal("a 2bit file needs no index",
            Assert.Throws<InputDataException>(() => GenomeIndexer.Make(folder.Write("g.2bit", TwoBitWriter.Write([("a", "AC")])))).What);
    }

    [Fact]
    public void Check_IndexThatDiffers_IsReported()
    {
        using var folder = new TempFolder();
        string path = folder.Write("g.fa", ">a\nACGT\n>b\nAC\n");
        Assert.Equal("index file not found", Assert.Throws<InputDataException>(() => GenomeIndexer.Check(path)).What);
        folder.Write("g.fa.fai", "a\t4\t3\t4\t5\nb\t3\t11\t2\t3\n");
        Assert.StartsWith("the index has 'b' of 3 bases", Assert.Throws<InputDataException>(() => GenomeIndexer.Check(path)).What, StringComparison.Ordinal);
        folder.Write("g.fa.fai", "a\t4\t3\t4\t5\n");
        Assert.Equal("the index has 1 records, the file 2", Assert.Throws<InputDataException>(() => GenomeIndexer.Check(path)).What);
        GenomeIndexer.Make(path, force: true);
        Assert.Equal((2, 6L), (GenomeIndexer.Check(path).Sequences, GenomeIndexer.Check(path).Bases));
    }

    private static string Fasta(Random random)
    {
        var text = new StringBuilder();
        for (int c = 0; c < 4; c++)
        {
            text.Append(">c").Append(c).Append('\n');
            string bases = TwoBitGenomeTests.Letters(random, random.Next(1, 200_000));
            for (int i = 0; i < bases.Length; i += 70)
            {
                text.Append(bases.AsSpan(i, Math.Min(70, bases.Length - i))).Append('\n');
            }
        }
        return text.ToString();
    }
}
