using System.Diagnostics;

namespace GenoSeq.Data.Tests.Objectives;

/// <summary>What the background feeding costs, leaves behind and lets through.</summary>
public class FeedingTests
{
    private static readonly FastaGenome s_genome = Genomes.Random(12, 400_000);

    private static BatchBuilder Builder(int length) => new(
        s_genome, new WindowSampler(s_genome, s_genome.WholeContigs(), new WindowSamplerOptions { Length = length }),
        Alphabet.Caduceus, new ObjectiveOptions());

    // The benchmark's 1,048,576 tokens every 50 ms, an eighth of it: 131,072 tokens every 10 ms is more than half that rate.
    // A busy machine may deschedule any thread, so the best of a few attempts counts.
    [Fact]
    public void TryNext_PacedConsumer_HardlyWaits()
    {
        const int steps = 40;
        double best = 1;
        for (int attempt = 0; attempt < 5 && best > 0.01; attempt++)
        {
            using var feed = new BatchPrefetcher(Builder(16_384), s => SampleRange.ForStep(s, 8), 8, endStep: steps + 1);
            Assert.True(feed.TryNext(out _));
            TimeSpan before = feed.TotalWait;
            long begun = Stopwatch.GetTimestamp();
            for (int i = 0; i < steps; i++)
            {
                Thread.Sleep(10);
                Assert.True(feed.TryNext(out _));
            }
            best = Math.Min(best, (feed.TotalWait - before) / Stopwatch.GetElapsedTime(begun));
        }
        Assert.InRange(best, 0, 0.01);
    }

    [Fact]
    public void TryNext_SlowWorker_IsSeenAsWait()
    {
        using var feed = new BatchPrefetcher(Builder(100), s =>
        {
            Thread.Sleep(60);
            return SampleRange.ForStep(s, 1);
        }, 1, endStep: 3);
        Assert.True(feed.TryNext(out _));
        Assert.True(feed.TryNext(out _));
        Assert.True(feed.LastWait.TotalMilliseconds >= 25, $"{feed.LastWait}");
        Assert.True(feed.TotalWait >= feed.LastWait);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Attach_EveryBatch_IsLetGoAfterTheWorkers(int workers)
    {
        var attached = new List<Attachment>();
        var feed = new BatchPrefetcher(Builder(100), s => SampleRange.ForStep(s, 4), 4, options: new BatchPrefetcherOptions
        {
            Workers = workers,
            Capacity = 3,
            Attach = b =>
            {
                attached.Add(new Attachment(b));
                return attached[^1];
            },
        });
        Assert.Equal(4, attached.Select(a => a.Batch).Distinct().Count());
        Assert.True(feed.TryNext(out Batch? batch));
        Assert.Contains(attached, a => a.Batch == batch);
        Assert.All(attached, a => Assert.Equal(0, a.Disposed));
        feed.Dispose();
        feed.Dispose();
        Assert.All(attached, a => Assert.Equal(1, a.Disposed));
    }

    [Fact]
    public void Dispose_WithFailedAndWaitingWorkers_LeavesNoThread()
    {
        for (int round = 0; round < 20; round++)
        {
            var seen = new HashSet<Thread>();
            var feed = new BatchPrefetcher(Builder(100), s =>
            {
                lock (seen)
                {
                    seen.Add(Thread.CurrentThread);
                }
                return s % 2 == 1 ? throw new InvalidDataException("odd") : SampleRange.ForStep(s, 2);
            }, 2, options: new BatchPrefetcherOptions { Workers = 3, Capacity = 2 });
            if (round % 2 == 0)
            {
                Assert.True(feed.TryNext(out _));
                Assert.Equal("odd", Assert.Throws<InvalidDataException>(() => feed.TryNext(out _)).Message);
            }
            feed.Dispose();
            Assert.All(seen, t => Assert.False(t.IsAlive));
        }
    }

    private sealed class Attachment(Batch batch) : IDisposable
    {
        internal Batch Batch { get; } = batch;

        internal int Disposed { get; private set; }

        public void Dispose() => Disposed++;
    }
}
