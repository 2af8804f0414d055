namespace GenoSeq.Data.Tests;

public class MixtureSamplerTests
{
    private static readonly FastaGenome s_genome = Genomes.Random(6, 4000, 900, 20_000, 30, 20);

    private static WindowSampler Part(int contig, bool pack = false) => new(s_genome,
        pack ? [new(contig, 0, s_genome.Contigs[contig].Length), new(3, 0, 30), new(4, 0, 20)] : [new(contig, 0, s_genome.Contigs[contig].Length)],
        new WindowSamplerOptions { Length = 100, Seed = contig, Pack = pack });

    [Fact]
    public void Locate_AnyCycle_HasTheQuotasAndEverySourceInOrder()
    {
        var mixture = new MixtureSampler([new("a", Part(0), 0.5), new("b", Part(1), 0.2), new("c", Part(2), 0.3)], 42);
        Assert.Equal(4096, mixture.Cycle);
        Assert.Equal([2048, 819, 1229], mixture.Quotas);
        var next = new HashSet<long>[] { [], [], [] };
        for (long i = 0; i < 5 * 4096; i++)
        {
            (int s, long index) = mixture.Locate(i);
            Assert.True(next[s].Add(index));
            Assert.Equal(mixture.Sources[s].Sampler.At(index), mixture.At(i));
            if (i % 4096 == 4095)
            {
                // After every cycle each source stands exactly at its quota, without a hole.
                Assert.All(Enumerable.Range(0, 3), k => Assert.Equal(next[k].Count - 1, next[k].Max()));
                Assert.Equal(mixture.Quotas.Select(q => q * (i + 1) / 4096), next.Select(n => (long)n.Count));
            }
        }
    }

    [Fact]
    public void Locate_Cycles_AreOrderedDifferently()
    {
        var mixture = new MixtureSampler([new("a", Part(0), 1), new("b", Part(1), 1)], 1);
        var other = new MixtureSampler([new("a", Part(0), 1), new("b", Part(1), 1)], 2);
        int same = Enumerable.Range(0, 4096).Count(i => mixture.Locate(i).Source == mixture.Locate(i + 4096).Source);
        Assert.InRange(same, 1800, 2300);
        Assert.InRange(Enumerable.Range(0, 4096).Count(i => mixture.Locate(i).Source == other.Locate(i).Source), 1800, 2300);
    }

    [Fact]
    public void At_PacksOfSeveralSources_KeepTheirOwnSegments()
    {
        var mixture = new MixtureSampler([new("a", Part(0, pack: true), 1), new("b", Part(1, pack: true), 1)], 1);
        Assert.True(mixture.Packs);
        var packs = new HashSet<int>();
        for (int i = 0; i < 500; i++)
        {
            SampleWindow w = mixture.At(i);
            if (w.Pack >= 0)
            {
                packs.Add(w.Pack);
                Assert.Equal([3, 4], mixture.PackSegments(w.Pack).ToArray().Select(s => s.Contig));
            }
        }
        Assert.Equal([0, 1], packs.Order());
        Assert.Throws<ArgumentOutOfRangeException>(() => mixture.PackSegments(2).Length);
    }

    [Theory]
    [InlineData(new[] { 1.0, 1.0, 1.0 }, 4096, new[] { 1366, 1365, 1365 })]
    [InlineData(new[] { 3.0, 1.0 }, 8, new[] { 6, 2 })]
    [InlineData(new[] { 0.5, 0.3, 0.2 }, 7, new[] { 4, 2, 1 })]
    [InlineData(new[] { 1000.0, 1.0, 1.0 }, 4, new[] { 2, 1, 1 })]
    public void Quotas_ByHand_AreTheLargestRemainders(double[] weights, int total, int[] quotas) =>
        Assert.Equal(quotas, MixtureSampler.QuotasOf(weights, total));

    [Fact]
    public void Cycle_TinyWeight_GrowsUntilEverySourceHasItsShare()
    {
        var mixture = new MixtureSampler([new("a", Part(0), 1e6), new("b", Part(1), 20)], 1);
        Assert.Equal(32768, mixture.Cycle);
        Assert.Equal([32767, 1], mixture.Quotas);
    }

    [Fact]
    public void Constructor_BadSources_Throws()
    {
        Assert.Throws<ArgumentException>(() => new MixtureSampler([], 1));
        Assert.Throws<ArgumentException>(() => new MixtureSampler([new("a", Part(0), 0)], 1));
        Assert.Throws<ArgumentException>(() => new MixtureSampler([new("a", Part(0), double.NaN)], 1));
        var shorter = new WindowSampler(s_genome, s_genome.WholeContigs(), new WindowSamplerOptions { Length = 50 });
        Assert.Throws<ArgumentException>(() => new MixtureSampler([new("a", Part(0), 1), new("b", shorter, 1)], 1));
    }

    [Theory]
    [InlineData(1000, 1000, 1000)]
    [InlineData(1, 5000, 77)]
    [InlineData(3, 2, 1)]
    public void Interleaved_AllSamplers_EachInOrderOnceAndEarlyShareIsTheWhole(params int[] counts)
    {
        IWindowSampler[] samplers = [.. counts.Select(n => new WindowSampler(s_genome, [new GenomeInterval(2, 0, n)],
            new WindowSamplerOptions { Length = 1, Shuffle = false }))];
        var all = new InterleavedSampler(samplers);
        int total = counts.Sum();
        Assert.Equal(total, all.WindowsPerEpoch(0));
        var next = new long[counts.Length];
        for (int i = 0; i < 2 * total; i++)
        {
            (int s, long index) = all.Locate(i);
            Assert.Equal(next[s]++, index);
            Assert.Equal(samplers[s].At(index), all.At(i));
            if (i % total == total / 2)
            {
                Assert.All(Enumerable.Range(0, counts.Length), k =>
                    Assert.InRange(next[k] - i / total * counts[k], counts[k] / 2.0 - 66, counts[k] / 2.0 + 66));
            }
        }
    }
}
