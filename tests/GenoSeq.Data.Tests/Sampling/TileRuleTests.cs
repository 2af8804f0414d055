namespace GenoSeq.Data.Tests;

public class TileRuleTests
{
    private static readonly FastaGenome s_genome = Genomes.Random(4, 1000, 333, 100);

    [Theory]
    [InlineData(50, 0, 0, true)]
    [InlineData(50, 20, 0, true)]
    [InlineData(50, 80, 0, true)]
    [InlineData(50, 80, 29, true)]
    [InlineData(50, 20, 19, true)]
    [InlineData(50, 60, 10, false)]
    [InlineData(100, 1, 0, true)]
    public void At_StrideAndJitter_AllWindowsOfTheEpochOnce(int length, int stride, int jitter, bool phase)
    {
        var options = new WindowSamplerOptions { Length = length, Stride = stride, Jitter = jitter, RandomPhase = phase, Seed = 3 };
        var sampler = new WindowSampler(s_genome, s_genome.WholeContigs(), options);
        int step = stride == 0 ? length : stride;
        long sample = 0;
        for (int epoch = 0; epoch < 8; epoch++)
        {
            var starts = s_genome.Contigs.Select(_ => new List<long>()).ToArray();
            for (long i = sampler.WindowsPerEpoch(epoch); i > 0; i--)
            {
                SampleWindow w = sampler.At(sample++);
                Assert.Equal((epoch, length), (w.Epoch, w.Length));
                starts[w.Contig].Add(w.Start);
            }
            for (int c = 0; c < starts.Length; c++)
            {
                long[] s = [.. starts[c].Order()];
                Assert.All(s.Zip(s.Skip(1)), p => Assert.InRange(p.Second - p.First, Math.Max(1, step - jitter), step + jitter));
                Assert.InRange(s[0], 0, phase ? step - 1 + jitter : jitter);
                Assert.InRange(s[^1], 0, s_genome.Contigs[c].Length - length);
                Assert.True(s_genome.Contigs[c].Length - length - s[^1] < step, "a window would have fitted behind the last one");
            }
        }
    }

    [Fact]
    public void At_FixedPhase_IsTheSameSetOfWindowsInEveryEpochInAnotherOrder()
    {
        var sampler = new WindowSampler(s_genome, s_genome.WholeContigs(), new WindowSamplerOptions { Length = 30, RandomPhase = false });
        int count = (int)sampler.WindowsPerEpoch(0);
        Assert.Equal(33 + 11 + 3, count);
        var first = Enumerable.Range(0, count).Select(i => (sampler.At(i).Contig, sampler.At(i).Start)).ToList();
        var second = Enumerable.Range(count, count).Select(i => (sampler.At(i).Contig, sampler.At(i).Start)).ToList();
        Assert.NotEqual(first, second);
        Assert.Equal(first.Order(), second.Order());
    }

    [Fact]
    public void At_Jitter_ReachesEveryOffset()
    {
        var sampler = new WindowSampler(s_genome, [new GenomeInterval(0, 0, 1000)],
            new WindowSamplerOptions { Length = 50, Stride = 100, Jitter = 7, RandomPhase = false });
        var offsets = Enumerable.Range(0, 600).Select(i => sampler.At(i).Start % 100).ToHashSet();
        Assert.Equal(Enumerable.Range(0, 8).Select(i => (long)i), offsets.Order());
    }

    [Fact]
    public void Validate_JitterOfAStride_IsRefused()
    {
        Assert.Empty(new WindowSamplerOptions { Length = 10, Jitter = 9 }.Validate());
        Assert.Single(new WindowSamplerOptions { Length = 10, Jitter = 10 }.Validate());
        Assert.Single(new WindowSamplerOptions { Length = 10, Stride = 5, Jitter = 5 }.Validate());
        Assert.Equal(4, new WindowSamplerOptions { Stride = -1, Jitter = -1, GapLength = 0, ShiftMin = 3 }.Validate().Count);
    }

    [Fact]
    public void At_ManyIntervalsOfOneWindow_TakeNoMemoryPerEpoch()
    {
        GenomeInterval[] rows = [.. Enumerable.Range(0, 900).Select(i => new GenomeInterval(0, i, i + 60))];
        var sampler = new WindowSampler(s_genome, rows, new WindowSamplerOptions { Length = 50, MinAcgtFraction = 0 });
        sampler.At(0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int epoch = 1; epoch < 50; epoch++)
        {
            sampler.At(900L * epoch);
        }
        // 900 running totals would be 7,200 bytes an epoch.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 49, 0, 1000);
        Assert.Equal(900, sampler.WindowsPerEpoch(7));
        Assert.Equal(100_000, sampler.At(100_000L * 900).Epoch);
    }
}
