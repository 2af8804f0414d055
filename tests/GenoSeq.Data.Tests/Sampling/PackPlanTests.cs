namespace GenoSeq.Data.Tests;

public class PackPlanTests
{
    [Theory]
    [InlineData(64, 1)]
    [InlineData(64, 500)]
    [InlineData(1000, 3000)]
    [InlineData(100_000, 2000)]
    public void Segments_RandomIntervals_EachOnceWithinCapacityAndNearTheBound(int capacity, int count)
    {
        var random = new Random(capacity + count);
        List<GenomeInterval> intervals = [.. Enumerable.Range(0, count).Select(i =>
            new GenomeInterval(i, 0, random.Next(2) == 0 ? random.Next(1, capacity) : random.Next(1, 1 + capacity / 5)))];
        var plan = new PackPlan(intervals, capacity);
        var seen = new HashSet<int>();
        for (int p = 0; p < plan.Count; p++)
        {
            long bases = 0;
            foreach (GenomeInterval segment in plan.Segments(p))
            {
                Assert.True(seen.Add(segment.Contig));
                Assert.Equal(intervals[segment.Contig], segment);
                bases += segment.Length;
            }
            Assert.InRange(bases, 1, capacity);
            SampleWindow w = plan.Window(p, 3);
            Assert.Equal((plan.Segments(p)[0].Contig, (int)bases, 3, p), (w.Contig, w.Length, w.Epoch, w.Pack));
        }
        Assert.Equal(count, seen.Count);
        // The least number of packs is at least the bases divided by the capacity, and at least the intervals above half of it.
        long least = Math.Max((intervals.Sum(i => i.Length) + capacity - 1) / capacity, intervals.Count(i => 2 * i.Length > capacity));
        Assert.InRange(plan.Count, least, 11 * least / 9 + 1);
    }

    [Fact]
    public void Segments_ByHand_LongestIntoTheTightestSpace()
    {
        // 7 | 6 | 4 goes to 6 (space 4, exactly) | 3 to 7 (exactly) | 2 alone.
        List<GenomeInterval> intervals = [new(0, 0, 2), new(1, 0, 6), new(2, 0, 3), new(3, 0, 7), new(4, 0, 4)];
        var plan = new PackPlan(intervals, 10);
        Assert.Equal(["3 2", "1 4", "0"], Enumerable.Range(0, plan.Count).Select(p => string.Join(' ', plan.Segments(p).ToArray().Select(s => s.Contig))));
    }

    [Fact]
    public void Sampler_ShortContigs_ComeInPacksOnceAnEpoch()
    {
        using FastaGenome genome = Genomes.Random(5, 250, 30, 40, 90, 7, 5, 100, 61);
        var options = new WindowSamplerOptions { Length = 100, Pack = true };
        var sampler = new WindowSampler(genome, genome.WholeContigs(), options);
        Assert.True(sampler.Packs);
        Assert.Equal(0, sampler.ExcludedBases);
        for (long i = 0; i < 10 * sampler.WindowsPerEpoch(0);)
        {
            var contigs = new List<int>();
            long end = i + sampler.WindowsPerEpoch(sampler.At(i).Epoch);
            for (; i < end; i++)
            {
                SampleWindow w = sampler.At(i);
                contigs.AddRange(w.Pack < 0 ? [w.Contig] : sampler.PackSegments(w.Pack).ToArray().Select(s => s.Contig));
            }
            Assert.Equal([1, 2, 3, 4, 5, 6, 7], contigs.Where(c => c > 0).Order());
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.PackSegments(sampler.PackCount).Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(5000)]
    public void CapacityIndex_RandomChanges_FindsWhatASortedSetFinds(int limit)
    {
        var random = new Random(limit);
        var index = new CapacityIndex(limit);
        var set = new SortedSet<int>();
        for (int i = 0; i < 5000; i++)
        {
            int value = random.Next(limit + 1);
            if (random.Next(2) == 0)
            {
                index.Add(value);
                set.Add(value);
            }
            else
            {
                index.Remove(value);
                set.Remove(value);
            }
            int from = random.Next(limit + 1);
            Assert.Equal(set.GetViewBetween(from, limit).FirstOrDefault(-1), index.AtLeast(from));
        }
    }
}
