using System.Text;

namespace GenoSeq.Data.Tests;

public class TwoBitGenomeTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Read_EveryIntervalKind_EqualsTheLetters(bool bigEndian, bool wideOffsets)
    {
        var random = new Random(7);
        (string Name, string Bases)[] sequences =
            [("a", Letters(random, 100_003)), (new string('n', 255), Letters(random, 17)), ("empty", ""), ("d", "nnnnNNNN"), ("e", "ACGTA")];
        using var folder = new TempFolder();
        using TwoBitGenome genome = TwoBitGenome.Open(folder.Write("g.2bit", TwoBitWriter.Write(sequences, bigEndian, wideOffsets)));
        Assert.Equal(sequences.Select(s => new Contig(s.Name, s.Bases.Length)), genome.Contigs);
        Assert.Equal(sequences.Sum(s => s.Bases.Count(c => c is 'N' or 'n')), genome.Digest.NCount);
        for (int contig = 0; contig < sequences.Length; contig++)
        {
            string bases = sequences[contig].Bases;
            Assert.Equal(bases, Genomes.Text(genome, contig));
            for (int i = 0; i < 300; i++)
            {
                int start = random.Next(bases.Length + 1);
                int end = start + random.Next(Math.Min(i < 100 ? 12 : 90_000, bases.Length - start) + 1);
                Assert.Equal(bases[start..end], Encoding.ASCII.GetString(GenomeRegion.Read(genome, new GenomeInterval(contig, start, end))));
            }
        }
    }

    [Fact]
    public void Read_EightThreads_EachGetsItsBases()
    {
        string bases = Letters(new Random(9), 300_000);
        using var folder = new TempFolder();
        using TwoBitGenome genome = TwoBitGenome.Open(folder.Write("g.2bit", TwoBitWriter.Write([("a", bases)])));
        byte[] expected = Encoding.ASCII.GetBytes(bases);
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, t =>
        {
            var random = new Random(t);
            for (int i = 0; i < 100; i++)
            {
                int start = random.Next(bases.Length);
                int end = start + random.Next(bases.Length - start);
                Assert.True(expected.AsSpan(start..end).SequenceEqual(GenomeRegion.Read(genome, new GenomeInterval(0, start, end))));
            }
        });
    }

    [SharedFact]
    public void Open_PeerFiles_EqualTheirFasta()
    {
        string biopython = Repository.SharedPath("data", "peer_inputs", "biopython", "TwoBit");
        using FastaGenome fasta = FastaGenome.Load(Path.Combine(biopython, "sequence.fa"));
        int compared = 0;
        foreach (string file in Directory.GetFiles(biopython, "*.2bit"))
        {
            using TwoBitGenome genome = TwoBitGenome.Open(file);
            Assert.Equal(fasta.Contigs, genome.Contigs);
            for (int i = 0; i < fasta.Contigs.Count; i++)
            {
                Assert.Equal(Genomes.Text(fasta, i), Genomes.Text(genome, i));
            }
            compared++;
        }
        Assert.True(compared > 0);
        foreach (string file in Directory.GetFiles(Repository.SharedPath("data", "peer_inputs", "lastz"), "*.2bit"))
        {
            using TwoBitGenome genome = TwoBitGenome.Open(file);
            Assert.All(Enumerable.Range(0, genome.Contigs.Count), i =>
                Assert.Matches("^[ACGTNacgtn]+$", Genomes.Text(genome, i)));
        }
    }

    internal static string Letters(Random random, int length)
    {
        var text = new StringBuilder(length);
        while (text.Length < length)
        {
            int run = Math.Min(length - text.Length, random.Next(1, 400));
            string letters = random.Next(6) switch { 0 => "N", 1 => "acgt", 2 => "acgtn", _ => "ACGT" };
            for (int i = 0; i < run; i++)
            {
                text.Append(letters[random.Next(letters.Length)]);
            }
        }
        return text.ToString();
    }
}
