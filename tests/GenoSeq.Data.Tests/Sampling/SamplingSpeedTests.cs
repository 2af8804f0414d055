using System.Diagnostics;
using Xunit.Abstractions;

namespace GenoSeq.Data.Tests;

/// <summary>The order of a billion windows: its time a draw and its memory.</summary>
public class SamplingSpeedTests(ITestOutputHelper output)
{
    private const long Windows = 1_000_000_000;

    [Fact]
    [Trait("Category", "Slow")]
    public void Draw_ABillionWindows_TakesUnder200NanosecondsAndNoMemory()
    {
        var permutation = new KeyedPermutation(Windows, CounterRandom.Key(1, "speed"));
        Report("order alone", Measure(i => permutation[i]));
        using var genome = new FlatGenome(24, Windows / 24 * 16 + 16);
        // Ten to the ninth windows of 16 bases: the plan of an epoch is 25 numbers.
        long before = GC.GetAllocatedBytesForCurrentThread();
        var sampler = new WindowSampler(genome, genome.WholeContigs(), new WindowSamplerOptions { Length = 16, MinAcgtFraction = 0 });
        Assert.InRange(sampler.WindowsPerEpoch(0), Windows - 100, Windows + 100);
        double perDraw = Measure(i => sampler.At(i % (Windows - 1000)).Start);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Report("sampler", perDraw);
        output.WriteLine($"sampler: {allocated} bytes allocated by opening it and all draws");
        var mixture = new MixtureSampler([new("a", sampler, 0.7), new("b", sampler, 0.3)], 1);
        Report("mixture", Measure(i => mixture.At(i).Start));
        Assert.InRange(allocated, 0, 1 << 20);
        Assert.True(perDraw < 200, $"{perDraw:F0} ns a draw");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void Plan_TenMillionIntervals_TakesAMomentAndItsMemoryIsTheIntervals()
    {
        using var genome = new FlatGenome(1, 10_000_000L * 150);
        GenomeInterval[] rows = [.. Enumerable.Range(0, 10_000_000).Select(i => new GenomeInterval(0, i * 150L, i * 150L + 100 + i % 50))];
        foreach (int length in (int[])[100, 40])
        {
            var options = new WindowSamplerOptions { Length = length, MinAcgtFraction = 0 };
            long before = GC.GetTotalMemory(forceFullCollection: true);
            var clock = Stopwatch.StartNew();
            var sampler = new WindowSampler(genome, rows, options);
            double open = clock.Elapsed.TotalSeconds;
            clock.Restart();
            sampler.At(0);
            sampler.At(sampler.WindowsPerEpoch(0));
            double plan = clock.Elapsed.TotalSeconds;
            long held = GC.GetTotalMemory(forceFullCollection: true) - before;
            output.WriteLine($"windows of {length}: opened in {open:F2} s, two epochs planned in {plan:F2} s, {held / 1e6:F0} MB held, {Measure(i => sampler.At(i % sampler.Intervals.Count).Start):F0} ns a draw");
            GC.KeepAlive(sampler);
        }
        List<GenomeInterval> pieces = [.. rows];
        long start = Stopwatch.GetTimestamp();
        var packs = new PackPlan(pieces, 1024);
        output.WriteLine($"packs of 1024: {packs.Count} in {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s, filled to {pieces.Sum(p => p.Length) / 1024.0 / packs.Count:P2}");
    }

    // The least of many short rounds: other work on the machine lengthens some of them, but hardly all.
    private static double Measure(Func<long, long> draw)
    {
        const int draws = 10_000;
        double best = double.MaxValue;
        long sum = 0;
        for (int round = 0; round < 100; round++)
        {
            var clock = Stopwatch.StartNew();
            for (long i = 0; i < draws; i++)
            {
                sum += draw((i * 98_765_431 + round) % Windows);
            }
            best = Math.Min(best, clock.Elapsed.TotalNanoseconds / draws);
        }
        Assert.NotEqual(0, sum);
        return best;
    }

    private void Report(string what, double nanoseconds) => output.WriteLine($"{what}: {nanoseconds:F1} ns a draw");

    /// <summary>Contigs without bases: only their lengths are asked for.</summary>
    private sealed class FlatGenome(int contigs, long length) : GenomeSource
    {
        public override IReadOnlyList<Contig> Contigs { get; } = [.. Enumerable.Range(0, contigs).Select(i => new Contig($"c{i}", length))];

        public override GenomeDigest Digest => new([]);

        public override void Read(int contig, long start, Span<byte> destination) => throw new NotSupportedException();
    }
}
