namespace GenoSeq.Data.Tests;

public class IntervalSetTests
{
    [Fact]
    public void Operations_RandomSets_AgreeWithFlagsPerBase()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            GenomeInterval[] Draw(int n) => [.. Enumerable.Range(0, n).Select(_ =>
            {
                int start = random.Next(200);
                return new GenomeInterval(random.Next(3), start, start + random.Next(0, 25));
            })];
            GenomeInterval[] a = Draw(12);
            GenomeInterval[] b = Draw(9);
            HashSet<(int, long)> Bases(IEnumerable<GenomeInterval> set) =>
                [.. set.SelectMany(i => Enumerable.Range((int)i.Start, (int)i.Length).Select(x => (i.Contig, (long)x)))];
            var left = new IntervalSet(a);
            var right = new IntervalSet(b);
            Assert.Equal(Bases(a).Count, left.Bases);
            Assert.Equal(Bases(a), Bases(left.Stretches));
            Assert.Equal(Bases(a).Intersect(Bases(b)).Count(), left.SharedBases(right));
            Assert.Equal(left.SharedBases(right), right.SharedBases(left));
            foreach (GenomeInterval probe in Draw(50).Where(p => p.Length > 0))
            {
                Assert.Equal(Bases([probe]).Overlaps(Bases(a)), left.Overlaps(probe));
            }
        }
    }

    [Fact]
    public void MixtureGenome_Contigs_AreThoseOfItsParts()
    {
        FastaGenome one = Genomes.Random(1, 50, 60);
        FastaGenome two = Genomes.Random(2, 70);
        using var both = new MixtureGenome([("x", one), ("y", two)]);
        Assert.Equal(["x/c0", "x/c1", "y/c0"], both.Contigs.Select(c => c.Name));
        Assert.Equal(2, both.IndexOf("y/c0"));
        Assert.Equal(Genomes.Text(two, 0), Genomes.Text(both, 2));
        Assert.Equal(Genomes.Text(one, 1), Genomes.Text(both, 1));
        Assert.Equal([new GenomeInterval(2, 3, 9)], both.FromPart(1, [new(0, 3, 9)]));
        Assert.Equal(2, both.Digest.Files.Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => both.Read(2, 60, new byte[20]));
        Assert.Throws<ArgumentException>(() => new MixtureGenome([("x", one), ("x", two)]));
    }
}
