namespace GenoSeq.Data.Tests;

public class WindowSamplerTests
{
    private static readonly FastaGenome s_genome = Genomes.Random(1, 1000, 64, 63, 513);

    private static WindowSampler Sampler(WindowSamplerOptions options, params GenomeInterval[] intervals) =>
        new(s_genome, intervals.Length == 0 ? s_genome.WholeContigs() : intervals, options);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(500)]
    public void At_ShuffledEpochs_VisitDisjointWindowsInsideIntervals(int length)
    {
        WindowSampler sampler = Sampler(new WindowSamplerOptions { Length = length });
        long sample = 0;
        for (int epoch = 0; epoch < 12; epoch++)
        {
            long count = sampler.WindowsPerEpoch(epoch);
            var windows = new List<SampleWindow>();
            for (long i = 0; i < count; i++)
            {
                SampleWindow w = sampler.At(sample++);
                Assert.Equal((epoch, length, 0), (w.Epoch, w.Length, w.TargetStart));
                GenomeInterval home = sampler.Intervals.Single(v => v.Contig == w.Contig);
                Assert.True(w.Start >= home.Start && w.End <= home.End);
                Assert.Equal((w.Start > home.Start, w.End < home.End), (w.HasPrevious, w.HasNext));
                windows.Add(w);
            }
            foreach (IGrouping<int, SampleWindow> contig in windows.GroupBy(w => w.Contig))
            {
                long[] starts = [.. contig.Select(w => w.Start).Order()];
                // Side by side from one phase: every start is one window after the one before.
                Assert.All(starts.Zip(starts.Skip(1)), pair => Assert.Equal(length, pair.Second - pair.First));
                long phase = starts[0];
                Assert.InRange(phase, 0, length - 1);
                Assert.Equal((s_genome.Contigs[contig.Key].Length - phase) / length, starts.Length);
            }
            Assert.Equal(sampler.Intervals.Count, windows.Select(w => w.Contig).Distinct().Count());
        }
    }

    [Fact]
    public void At_Phases_CoverTheWholeRangeOverEpochs()
    {
        WindowSampler sampler = Sampler(new WindowSamplerOptions { Length = 8 }, new GenomeInterval(0, 100, 140));
        var phases = new HashSet<long>();
        long sample = 0;
        for (int epoch = 0; epoch < 200; epoch++)
        {
            long first = long.MaxValue;
            for (long i = sampler.WindowsPerEpoch(epoch); i > 0; i--)
            {
                first = Math.Min(first, sampler.At(sample++).Start);
            }
            phases.Add(first - 100);
        }
        Assert.Equal(Enumerable.Range(0, 8).Select(i => (long)i), phases.Order());
    }

    [Fact]
    public void At_IntervalOfExactlyOneWindow_AlwaysHasIt()
    {
        WindowSampler sampler = Sampler(new WindowSamplerOptions { Length = 64 }, new GenomeInterval(1, 0, 64));
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(new SampleWindow(1, 0, 64, i, 0, false, false), sampler.At(i));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(33)]
    [InlineData(1234)]
    public void At_FreshSamplerFromIndexK_EqualsSuffix(int k)
    {
        var options = new WindowSamplerOptions { Length = 50, Seed = 9 };
        WindowSampler whole = Sampler(options);
        List<SampleWindow> all = [.. Enumerable.Range(0, 2000).Select(i => whole.At(i))];
        WindowSampler resumed = Sampler(options);
        Assert.Equal(all.Skip(k), Enumerable.Range(k, 2000 - k).Select(i => resumed.At(i)));
    }

    [Fact]
    public void At_BackwardsAndFromThreads_GivesTheSameWindows()
    {
        var options = new WindowSamplerOptions { Length = 50, Seed = 9 };
        WindowSampler forward = Sampler(options);
        SampleWindow[] expected = [.. Enumerable.Range(0, 1500).Select(i => forward.At(i))];
        WindowSampler parallel = Sampler(options);
        var found = new SampleWindow[expected.Length];
        Parallel.For(0, found.Length, i => found[found.Length - 1 - i] = parallel.At(found.Length - 1 - i));
        Assert.Equal(expected, found);
    }

    [Fact]
    public void At_OtherSeed_IsAnotherOrder()
    {
        WindowSampler a = Sampler(new WindowSamplerOptions { Length = 10, Seed = 1 });
        WindowSampler b = Sampler(new WindowSamplerOptions { Length = 10, Seed = 2 });
        int same = Enumerable.Range(0, 150).Count(i => a.At(i) == b.At(i));
        Assert.InRange(same, 0, 20);
        Assert.NotEqual(
            Enumerable.Range(0, 100).Select(i => a.At(i).Start),
            Enumerable.Range((int)a.WindowsPerEpoch(0), 100).Select(i => a.At(i).Start));
    }

    [Theory]
    [InlineData(TailPolicy.Short)]
    [InlineData(TailPolicy.SlideBack)]
    [InlineData(TailPolicy.Drop)]
    public void At_Sequential_CountsEveryBaseAtMostOnceInOrder(TailPolicy tail)
    {
        foreach (int length in (int[])[1, 10, 63, 64, 65, 513, 1000])
        {
            WindowSampler sampler = Sampler(new WindowSamplerOptions { Length = length, Shuffle = false, Tail = tail });
            var counted = s_genome.Contigs.Select(c => new int[c.Length]).ToArray();
            long windows = sampler.WindowsPerEpoch(0);
            for (long i = 0; i < windows; i++)
            {
                SampleWindow w = sampler.At(i);
                Assert.Equal(w with { Epoch = 3 }, sampler.At(i + 3 * windows));
                Assert.True(tail == TailPolicy.Short || w.Length == length);
                for (int t = w.TargetStart; t < w.Length; t++)
                {
                    counted[w.Contig][w.Start + t]++;
                }
            }
            for (int c = 0; c < counted.Length; c++)
            {
                int expected = tail switch
                {
                    TailPolicy.Short => counted[c].Length,
                    TailPolicy.SlideBack => counted[c].Length >= length ? counted[c].Length : 0,
                    _ => counted[c].Length / length * length,
                };
                Assert.Equal(expected, counted[c].Count(n => n == 1));
                Assert.Equal(counted[c].Length - expected, counted[c].Count(n => n == 0));
            }
        }
    }

    [Fact]
    public void Constructor_ShortIntervals_AreCountedAsExcluded()
    {
        WindowSampler sampler = Sampler(new WindowSamplerOptions { Length = 500 });
        Assert.Equal((2L, 127L, 2), (sampler.ExcludedIntervals, sampler.ExcludedBases, sampler.Intervals.Count));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Constructor_NothingFits_NamesBothNumbers(bool shuffle)
    {
        var options = new WindowSamplerOptions { Length = 1001, Shuffle = shuffle, Tail = TailPolicy.SlideBack };
        var e = Assert.Throws<InputDataException>(() => Sampler(options));
        Assert.Equal("the context is longer than the data", e.What);
        Assert.Equal("window length 1001, longest of 4 intervals 1000 bases", e.Where);
        Assert.StartsWith("a shorter context", e.Try, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, 1001)]
    [InlineData(0, -1, 10)]
    [InlineData(4, 0, 1)]
    [InlineData(0, 10, 9)]
    public void Constructor_IntervalOutsideGenome_Throws(int contig, long start, long end) =>
        Assert.Throws<ArgumentException>(() =>
            Sampler(new WindowSamplerOptions { Length = 1 }, new GenomeInterval(contig, start, end)));

    [Fact]
    public void Validate_BadOptions_ReportsAll()
    {
        var options = new WindowSamplerOptions { Length = 0, MinAcgtFraction = double.NaN, Tail = (TailPolicy)9 };
        Assert.Equal(3, options.Validate().Count);
        Assert.Throws<ArgumentException>(() => Sampler(options));
    }

    [Fact]
    public void At_LongRunsOfN_NoWindowHasMoreThanAllowedAndNoneRepeats()
    {
        string text = ">a\n" + new string('N', 3000) + string.Concat(Enumerable.Repeat("ACGT", 500))
            + new string('n', 3000);
        using FastaGenome genome = Genomes.Parse(text);
        var options = new WindowSamplerOptions { Length = 100, MinAcgtFraction = 0.7 };
        var sampler = new WindowSampler(genome, genome.WholeContigs(), options);
        Assert.Equal([new GenomeInterval(0, 2970, 5030)], sampler.Intervals);
        Assert.Equal(8000 - 2060, sampler.ExcludedBases);
        var bases = new byte[100];
        var starts = new HashSet<(int, long)>();
        for (int i = 0; i < 500; i++)
        {
            SampleWindow w = sampler.At(i);
            genome.Read(0, w.Start, bases);
            Assert.InRange(bases.Count(b => (b | 0x20) == 'n'), 0, 30);
            Assert.True(starts.Add((w.Epoch, w.Start)));
        }
        var keepAll = new WindowSampler(genome, genome.WholeContigs(), options with { MinAcgtFraction = 0 });
        Assert.Contains(Enumerable.Range(0, 70), i => keepAll.At(i).Start < 2800);
    }

    [Fact]
    public void At_OneGoodWindowAmongThousands_IsFound()
    {
        string text = ">a\n" + new string('N', 40_000) + string.Concat(Enumerable.Repeat("ACGT", 10))
            + new string('N', 40_000);
        using FastaGenome genome = Genomes.Parse(text);
        var sampler = new WindowSampler(genome, genome.WholeContigs(),
            new WindowSamplerOptions { Length = 10, MinAcgtFraction = 1 });
        for (int i = 0; i < 20; i++)
        {
            Assert.InRange(sampler.At(i).Start, 40_000, 40_030);
        }
    }

    [Fact]
    public void Constructor_OnlyN_SaysSo()
    {
        using FastaGenome genome = Genomes.Parse(">a\n" + new string('N', 500) + "\n>b\nA\n");
        var e = Assert.Throws<InputDataException>(() =>
            new WindowSampler(genome, genome.WholeContigs(), new WindowSamplerOptions { Length = 10 }));
        Assert.Contains("no window of 10 bases has 50", e.What, StringComparison.Ordinal);
    }

    [Fact]
    public void At_ManyIntervals_StaysFastAndExact()
    {
        GenomeInterval[] intervals = [.. Enumerable.Range(0, 900).Select(i =>
            new GenomeInterval(0, i, i + 20 + i % 7))];
        WindowSampler sampler = Sampler(new WindowSamplerOptions { Length = 10 }, intervals);
        long count = sampler.WindowsPerEpoch(0);
        for (long i = 0; i < count; i++)
        {
            SampleWindow w = sampler.At(i);
            Assert.Contains(intervals, v => v.Start <= w.Start && w.End <= v.End);
        }
        Assert.InRange(count, 900, 1800);
        Assert.Equal(1, sampler.At(count).Epoch);
    }
}
