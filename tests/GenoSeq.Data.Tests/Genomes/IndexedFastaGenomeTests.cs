using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace GenoSeq.Data.Tests;

public class IndexedFastaGenomeTests
{
    [Fact]
    public void Read_AnyLineWidthAndLineEnd_EqualsGenomeInMemory()
    {
        var layout =
            from seed in Gen.Choose(0, int.MaxValue - 1)
            from width in Gen.OneOf(Gen.Choose(1, 5), Gen.Choose(6, 140), Gen.Choose(55, 70), Gen.Choose(120, 130), Gen.Choose(141, 70_000), Gen.Constant(1_000_000))
            from end in Gen.Elements("\n", "\r\n", "  \n", "\t\r\n")
            from final in Gen.Elements(true, false)
            select (seed, width, end, final);
        using var folder = new TempFolder();
        int number = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(120), Prop.ForAll(layout.ToArbitrary(), x =>
        {
            var random = new Random(x.seed);
            string path = folder.Write($"{number++}.fa", Fasta(random, x.width, x.end, x.final));
            using FastaGenome memory = FastaGenome.Load(path);
            using IndexedFastaGenome disk = IndexedFastaGenome.Open(path);
            Assert.Equal(memory.Contigs, disk.Contigs);
            Assert.Equal(memory.Digest.Sha256, disk.Digest.Sha256);
            Assert.Equal(memory.Digest.Files, disk.Digest.Files);
            for (int i = 0; i < 40; i++)
            {
                int contig = random.Next(memory.Contigs.Count);
                long length = memory.Contigs[contig].Length;
                long start = random.NextInt64(length + 1);
                long end = i % 4 == 0 ? length : start + random.NextInt64(length - start + 1);
                var interval = new GenomeInterval(contig, start, end);
                Assert.True(GenomeRegion.Read(memory, interval).AsSpan().SequenceEqual(GenomeRegion.Read(disk, interval)), $"{interval}");
            }
            return true;
        }));
    }

    [Fact]
    public void Read_EightThreads_EachGetsItsBases()
    {
        using var folder = new TempFolder();
        string path = folder.Write("g.fa", Fasta(new Random(4), 60, "\n", true, 400_000));
        using FastaGenome memory = FastaGenome.Load(path);
        using IndexedFastaGenome disk = IndexedFastaGenome.Open(path);
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, t =>
        {
            var random = new Random(t);
            for (int i = 0; i < 200; i++)
            {
                int contig = random.Next(memory.Contigs.Count);
                long start = random.NextInt64(memory.Contigs[contig].Length);
                var interval = new GenomeInterval(contig, start, start + random.NextInt64(memory.Contigs[contig].Length - start));
                Assert.True(GenomeRegion.Read(memory, interval).AsSpan().SequenceEqual(GenomeRegion.Read(disk, interval)));
            }
        });
    }

    [Theory]
    [InlineData("AC!T", "'!' is no nucleotide code", "contig 'b', position 7 ")]
    [InlineData("ACET", "'E' is no nucleotide code", "contig 'b', position 7 ")]
    public void Read_ByteThatIsNoCode_NamesContigAndPosition(string line, string what, string where)
    {
        using var folder = new TempFolder();
        string path = folder.Write("g.fa", $">a\nACGT\n>b\nACGT\n{line}\nAC\n");
        using IndexedFastaGenome genome = IndexedFastaGenome.Open(path);
        Assert.Equal("ACGT", Genomes.Text(genome, 0));
        var e = Assert.Throws<InputDataException>(() => Genomes.Text(genome, 1));
        Assert.Equal(what, e.What);
        Assert.Contains(where, e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FileTruncatedSinceOpened_IsReported()
    {
        using var folder = new TempFolder();
        string path = folder.Write("g.fa", Fasta(new Random(4), 60, "\n", true, 400_000));
        using IndexedFastaGenome genome = IndexedFastaGenome.Open(path);
        using (var file = new FileStream(path, FileMode.Open))
        {
            file.SetLength(100_000);
        }
        var e = Assert.Throws<InputDataException>(() => Genomes.Text(genome, 0));
        Assert.Contains("the file ends at or before byte", e.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_IndexOlderThanFile_IsMadeAnewWithWarning()
    {
        using var folder = new TempFolder();
        string path = folder.Write("g.fa", ">a\nACGT\n");
        IndexedFastaGenome.Open(path).Dispose();
        File.WriteAllText(path, ">b\nAC\nGT\n");
        File.SetLastWriteTimeUtc(path + ".fai", DateTime.UtcNow.AddHours(-1));
        var warnings = new List<string>();
        using IndexedFastaGenome genome = IndexedFastaGenome.Open(path, new FastaIndexOptions { Warn = warnings.Add });
        Assert.Equal([new Contig("b", 4)], genome.Contigs);
        Assert.Contains("older than the file", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal("b\t4\t3\t2\t3\n", File.ReadAllText(path + ".fai"));
    }

    [Theory]
    [InlineData("a\t4\t3\t4\t5\n", ">b\nACGT\n")]
    [InlineData("a\t4\t4\t4\t5\n", ">a\nACGTA\n")]
    [InlineData("a\t4\t3\t4\t5\n", ">a\nACGT\n>b\nAC\n")]
    [InlineData("a\t3\t3\t4\t5\n", ">a\nACGT\n")]
    public void Open_FreshIndexOfAnotherFile_IsRefused(string index, string fasta)
    {
        using var folder = new TempFolder();
        string path = folder.Write("g.fa", fasta);
        folder.Write("g.fa.fai", index);
        var e = Assert.Throws<InputDataException>(() => IndexedFastaGenome.Open(path));
        Assert.Contains("genoseq data index --force", e.Try, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FolderThatCannotBeWritten_KeepsTheIndexInTheCache()
    {
        using var folder = new TempFolder();
        string path = folder.Write("g.fa", ">a\nACGT\n");
        // A folder in the index's place cannot be written by anyone, root included.
        Directory.CreateDirectory(path + ".fai");
        var options = new FastaIndexOptions { CacheFolder = folder.PathOf("cache") };
        FastaIndexStore.Result made = FastaIndexStore.Get(path, 8, options);
        FastaIndexStore.Result found = FastaIndexStore.Get(path, 8, options);
        Assert.True(made.Made && !found.Made);
        Assert.Equal(Path.GetDirectoryName(found.Path), options.CacheFolder);
        Assert.Equal(made.Index.Entries, found.Index.Entries);
        Assert.Single(Directory.GetFiles(options.CacheFolder));
    }

    [Fact]
    public void Read_ContigBeyondTwoGigabases_ReachesItsEnd()
    {
        // A sparse file: zeros up to the bases at its very end.
        using var folder = new TempFolder();
        const long lines = 40_000_000;
        const long length = (lines * 60) + 5;
        string path = folder.Write("g.fa", ">a\n");
        using (var file = new FileStream(path, FileMode.Open))
        {
            file.Seek(3 + (lines * 61) - 4, SeekOrigin.Begin);
            file.Write("CAT\nACGTN\n"u8);
        }
        File.WriteAllText(path + ".fai", FormattableString.Invariant($"a\t{length}\t3\t60\t61\n"));
        using IndexedFastaGenome genome = IndexedFastaGenome.Open(path);
        var bases = new byte[8];
        genome.Read(0, length - 8, bases);
        Assert.Equal("CATACGTN", Encoding.ASCII.GetString(bases));
        Assert.Throws<InputDataException>(() => genome.Read(0, length - 9, new byte[9]));
    }

    private static string Fasta(Random random, int width, string end, bool finalEnd, int longest = 3000)
    {
        const string letters = "ACGTacgtNnRYK-*";
        var text = new StringBuilder();
        int records = random.Next(1, 5);
        for (int r = 0; r < records; r++)
        {
            text.Append(">c").Append(r).Append(r % 2 == 0 ? " some words" : "").Append(end.Trim(' ', '\t'));
            int length = random.Next(1, random.Next(2, longest));
            for (int i = 0; i < length; i++)
            {
                text.Append(letters[random.Next(letters.Length)]);
                if ((i + 1) % width == 0 || i == length - 1)
                {
                    text.Append(end);
                }
            }
        }
        return finalEnd ? text.ToString() : text.ToString().TrimEnd();
    }
}
