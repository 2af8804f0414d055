namespace GenoSeq.Data.Tests;

/// <summary>
/// What training sees: over any number of ranks, with stops and resumes, changes of world size and of batch size, every
/// window of an epoch comes exactly once, then every window of the next.
/// </summary>
public class ExactlyOnceTests
{
    private const string Gap = "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN";

    private static readonly FastaGenome s_genome = Make();

    public static TheoryData<string> Samplers { get; } = new(
        "tile", "stride", "spaced", "jitter", "fixed", "gaps", "pack", "hyena", "hyena-shift", "caduceus", "caduceus-strict", "sequential", "mixture");

    private static FastaGenome Make()
    {
        var random = new Random(8);
        string Bases(int n) => new(random.GetItems<char>("ACGT", n));
        return Genomes.Parse($">big\n{Bases(70_000)}{Gap}{Gap}{Bases(5000)}\n>mid\n{Bases(900)}NNNN{Bases(9000)}\n"
            + string.Concat(Enumerable.Range(0, 60).Select(i => $">s{i}\n{Bases(random.Next(10, 190))}\n")));
    }

    internal static IWindowSampler Create(string name)
    {
        IReadOnlyList<GenomeInterval> whole = s_genome.WholeContigs();
        GenomeInterval[] rows = [.. Enumerable.Range(0, 90).Select(i => new GenomeInterval(0, i * 800, i * 800 + 20 + 9 * i))];
        var options = new WindowSamplerOptions { Length = 128, Seed = 5 };
        return name switch
        {
            "tile" => new WindowSampler(s_genome, whole, options),
            "stride" => new WindowSampler(s_genome, whole, options with { Stride = 50 }),
            "spaced" => new WindowSampler(s_genome, whole, options with { Stride = 300, Jitter = 100 }),
            "jitter" => new WindowSampler(s_genome, whole, options with { Jitter = 127 }),
            "fixed" => new WindowSampler(s_genome, whole, options with { RandomPhase = false }),
            "gaps" => new WindowSampler(s_genome, whole, options with { NPolicy = GapPolicy.Skip, GapLength = 3, MinAcgtFraction = 0.99 }),
            "pack" => new WindowSampler(s_genome, whole, options with { Pack = true, NPolicy = GapPolicy.Skip }),
            "hyena" => new WindowSampler(s_genome, rows, options with { Rule = WindowRule.Hyena }),
            "hyena-shift" => new WindowSampler(s_genome, rows, options with { Rule = WindowRule.Hyena, ShiftMin = -50, ShiftMax = 50 }),
            "caduceus" => new WindowSampler(s_genome, [.. rows.Take(2)], options with { Length = 4096, Rule = WindowRule.Caduceus }),
            "caduceus-strict" => new WindowSampler(s_genome, [.. rows.Take(3)], options with { Length = 2048, Rule = WindowRule.Caduceus },
                new IntervalSet([new GenomeInterval(0, 9000, 9001), new(0, 20_000, 26_000)])),
            "sequential" => new WindowSampler(s_genome, whole, options with { Shuffle = false }),
            "mixture" => new MixtureSampler([new("one", Create("tile"), 2), new("two", Create("pack"), 1), new("three", Create("hyena"), 0.1)], 5),
            _ => throw new ArgumentException(name),
        };
    }

    [Theory]
    [MemberData(nameof(Samplers))]
    public void Epochs_AnyWorldSizesBatchesAndResumes_SeeEveryWindowOnce(string name)
    {
        IWindowSampler reference = Create(name);
        int epochs = name == "mixture" ? 1 : 3;
        long total = Enumerable.Range(0, epochs).Sum(e => reference.WindowsPerEpoch(e));
        SampleWindow[] all = new SampleWindow[total];
        for (long i = 0; i < total; i++)
        {
            all[i] = reference.At(i);
        }
        for (int world = 1; world <= 16; world++)
        {
            Assert.Equal(all, Train(name, world, total));
        }
        if (name != "mixture")
        {
            AssertEpochsAreComplete(name, all, reference, epochs);
        }
    }

    // Trains in sittings: each opens the sampler anew, has its own number of ranks and its own batch, whose size need not divide
    // what is left of an epoch, and stops after a random number of steps. Ranks draw in an order of their own.
    private static SampleWindow[] Train(string name, int firstWorld, long total)
    {
        var random = new Random(firstWorld);
        var seen = new SampleWindow[total];
        var times = new int[total];
        long position = 0;
        int world = firstWorld;
        while (position < total)
        {
            IWindowSampler sampler = Create(name);
            int batch = random.Next(1, 97);
            // A run counts its position in samples; with another batch size, steps are counted from there.
            long origin = position;
            for (long step = 0, steps = random.Next(1, 40); step < steps && position < total; step++)
            {
                foreach (int rank in Enumerable.Range(0, world).OrderBy(_ => random.Next()))
                {
                    SampleRange range = SampleRange.ForStep(step, batch, rank, world);
                    for (long i = origin + range.First; i < origin + range.First + range.Count; i++)
                    {
                        SampleWindow window = sampler.At(i);
                        if (i < total)
                        {
                            seen[i] = window;
                            times[i]++;
                        }
                    }
                }
                position += batch;
            }
            world = random.Next(1, 17);
        }
        Assert.All(times, n => Assert.Equal(1, n));
        return seen;
    }

    private static void AssertEpochsAreComplete(string name, SampleWindow[] all, IWindowSampler sampler, int epochs)
    {
        long first = 0;
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            int count = (int)sampler.WindowsPerEpoch(epoch);
            SampleWindow[] windows = all[(int)first..(int)(first + count)];
            first += count;
            Assert.All(windows, w => Assert.Equal(epoch, w.Epoch));
            if (!name.StartsWith("caduceus", StringComparison.Ordinal) && name != "hyena-shift")
            {
                // Published windows may repeat: those beyond a contig's end all slide back to its last one.
                Assert.Equal(count, windows.Select(w => (w.Contig, w.Start, w.Pack)).Distinct().Count());
            }
            if (name is "tile" or "fixed" or "gaps" or "pack" or "sequential" or "spaced")
            {
                // At a stride of at least window and jitter, no base comes twice either.
                IEnumerable<GenomeInterval> bases = windows.SelectMany(w => w.Pack < 0 ? [w.Interval] : sampler.PackSegments(w.Pack).ToArray());
                Assert.Equal(bases.Sum(b => b.Length), new IntervalSet(bases).Bases);
            }
        }
    }

    [Theory]
    [InlineData("caduceus", 2 * 256)]
    [InlineData("hyena", 90)]
    [InlineData("hyena-shift", 90)]
    public void Epoch_PublishedRules_HasEachRowsWindowsAsOftenAsTheRuleSays(string name, int count)
    {
        var shuffled = (WindowSampler)Create(name);
        Assert.Equal(count, shuffled.WindowsPerEpoch(4));
        if (name == "hyena-shift")
        {
            return;
        }
        var natural = new WindowSampler(s_genome, shuffled.Intervals, shuffled.Options with { Shuffle = false });
        for (int epoch = 0; epoch < 3; epoch++)
        {
            Assert.Equal(
                Enumerable.Range(0, count).Select(i => natural.At(i).Start).Order(),
                Enumerable.Range(epoch * count, count).Select(i => shuffled.At(i).Start).Order());
        }
    }

    [Fact]
    public void At_FarEpoch_NeedsNoEarlierOne()
    {
        var sampler = (WindowSampler)Create("fixed");
        long count = sampler.WindowsPerEpoch(0);
        Assert.Equal(2_000_000_000, sampler.At(2_000_000_000L * count + 3).Epoch);
    }
}
