namespace GenoSeq.Data.Tests;

public class IntervalCutterTests
{
    private static IntervalCutter Cut(FastaGenome genome, WindowSamplerOptions options, ExclusionLog log, IReadOnlyList<GenomeInterval>? intervals = null, bool prepare = true)
    {
        UnknownRuns runs = UnknownRuns.Of(genome);
        if (prepare)
        {
            runs.Prepare(genome, Enumerable.Range(0, genome.Contigs.Count));
        }
        var cutter = new IntervalCutter(genome, runs, options, log);
        foreach (GenomeInterval interval in intervals ?? genome.WholeContigs())
        {
            cutter.Add(interval);
        }
        return cutter;
    }

    [Theory]
    [InlineData("ACGTN", 0.8)]
    [InlineData("ACGTacgtNNNNNNNN", 0.5)]
    [InlineData("AAAAAAAAAAAAAAAAAAAAN", 1.0)]
    [InlineData("NNNNNNNNNNA", 0.2)]
    [InlineData("ACGTRYN-", 0.6)]
    public void Add_RandomContigs_AllowsExactlyTheWindowsWithEnoughKnownBases(string letters, double fraction)
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            int length = random.Next(1, 12);
            // Runs rather than single letters, so that gaps of all sizes occur.
            string text = string.Concat(Enumerable.Range(0, 40).Select(_ => new string(letters[random.Next(letters.Length)], random.Next(1, 9))));
            using FastaGenome genome = Genomes.Parse($">c\n{text}\n");
            var log = new ExclusionLog();
            var options = new WindowSamplerOptions { Length = length, MinAcgtFraction = fraction };
            IntervalCutter cutter = Cut(genome, options, log, prepare: seed % 2 == 0);
            bool[] isKnown = [.. text.Select(c => "ACGTacgt".Contains(c, StringComparison.Ordinal))];
            // What the definition says: starts by themselves, then pieces that begin where the one before ended.
            var expected = new List<GenomeInterval>();
            long used = 0;
            for (int x = 0; x + length <= text.Length;)
            {
                if (!Allowed(x))
                {
                    x++;
                    continue;
                }
                int last = x;
                while (last + 1 + length <= text.Length && Allowed(last + 1))
                {
                    last++;
                }
                if (Math.Max(used, x) <= last)
                {
                    expected.Add(new GenomeInterval(0, Math.Max(used, x), last + length));
                    used = last + length;
                }
                x = last + 1;
            }
            Assert.Equal(expected, cutter.Long);
            Assert.Equal(text.Length, cutter.Long.Sum(p => p.Length) + log.Bases);

            bool Allowed(int x) => isKnown[x..(x + length)].Count(k => k) >= fraction * length - 1e-9;
        }
    }

    [Fact]
    public void Add_SkipGaps_CutsAtRunsOfTheLengthAndNoShorterOnes()
    {
        using FastaGenome genome = Genomes.Parse($">c\nACGTACGT{new string('N', 9)}ACGT{new string('n', 10)}ACG{new string('N', 30)}\n");
        var log = new ExclusionLog();
        var options = new WindowSamplerOptions { Length = 5, MinAcgtFraction = 0, NPolicy = GapPolicy.Skip };
        IntervalCutter cutter = Cut(genome, options, log);
        Assert.Equal([new GenomeInterval(0, 0, 21)], cutter.Long);
        Assert.Empty(cutter.Short);
        Assert.Equal([(Exclusion.ShorterThanWindow, 1L, 3L), (Exclusion.Gap, 2L, 40L)], log.Counts.Select(c => (c.Reason, c.Intervals, c.Bases)));
        Assert.Equal([new GenomeInterval(0, 31, 34)], Cut(genome, options with { Pack = true }, new ExclusionLog()).Short);
        Assert.Equal([new GenomeInterval(0, 0, 8)], Cut(genome, options with { GapLength = 9 }, new ExclusionLog()).Long);
    }

    [Fact]
    public void Add_IntervalsInsideAContig_AreCutAsIfTheyWereAlone()
    {
        using FastaGenome genome = Genomes.RandomOf("ACGTNNNN", 5, 3000);
        GenomeInterval[] parts = [.. Enumerable.Range(0, 30).Select(i => new GenomeInterval(0, i * 100 + i, i * 100 + 100))];
        var options = new WindowSamplerOptions { Length = 12, MinAcgtFraction = 0.6 };
        List<GenomeInterval> found = Cut(genome, options, new ExclusionLog(), parts).Long;
        var alone = new List<GenomeInterval>();
        foreach (GenomeInterval part in parts)
        {
            using FastaGenome piece = Genomes.Parse($">c\n{Genomes.Text(genome, 0)[(int)part.Start..(int)part.End]}\n");
            alone.AddRange(Cut(piece, options, new ExclusionLog()).Long.Select(p => new GenomeInterval(0, p.Start + part.Start, p.End + part.Start)));
        }
        Assert.NotEmpty(found);
        Assert.Equal(alone, found);
    }

    [Fact]
    public void Boundaries_RunAcrossChunks_IsOneRun()
    {
        string text = new string('A', (1 << 20) - 5) + new string('N', 10) + new string('C', (1 << 20) + 7) + "N";
        using FastaGenome genome = Genomes.Parse($">c\n{text}\n");
        UnknownRuns runs = UnknownRuns.Of(genome);
        long[] unprepared = [.. runs.Boundaries(genome, new GenomeInterval(0, 0, text.Length))];
        runs.Prepare(genome, [0]);
        Assert.Equal([(1 << 20) - 5, (1 << 20) + 5, text.Length - 1, text.Length], unprepared);
        Assert.Equal(unprepared, runs.Boundaries(genome, new GenomeInterval(0, 0, text.Length)));
        Assert.Equal([1L << 20, (1 << 20) + 3], runs.Boundaries(genome, new GenomeInterval(0, 1 << 20, (1 << 20) + 3)));
        Assert.Equal(11, runs.Count(genome, new GenomeInterval(0, 0, text.Length)));
    }

    [Fact]
    public void Prepare_FileThatCannotBeRead_SaysSoItself()
    {
        using var genome = new BrokenGenome();
        var e = Assert.Throws<InputDataException>(() => new WindowSampler(genome, genome.WholeContigs(), new WindowSamplerOptions { Length = 10 }));
        Assert.Equal("this block is damaged", e.What);
    }

    private sealed class BrokenGenome : GenomeSource
    {
        public override IReadOnlyList<Contig> Contigs { get; } = [new("a", 100), new("b", 100), new("c", 100)];

        public override GenomeDigest Digest => new([]);

        public override void Read(int contig, long start, Span<byte> destination) => throw new InputDataException("this block is damaged");
    }
}
