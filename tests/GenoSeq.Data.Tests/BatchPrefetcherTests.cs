namespace GenoSeq.Data.Tests;

public class BatchPrefetcherTests
{
    private static readonly FastaGenome s_genome = Genomes.Random(12, 20_000);

    private static BatchBuilder Builder() => new(
        s_genome, new WindowSampler(s_genome, s_genome.WholeContigs(), new WindowSamplerOptions { Length = 100 }),
        Alphabet.Caduceus, new ObjectiveOptions(), threads: 1);

    private static SampleRange Samples(long step) => SampleRange.ForStep(step, 8);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 4)]
    [InlineData(3, 1)]
    [InlineData(3, 5)]
    public void TryNext_AnyWorkersAndCapacity_KeepsOrderAndContent(int workers, int capacity)
    {
        BatchBuilder builder = Builder();
        Batch expected = builder.CreateBatch(8);
        using var prefetcher = new BatchPrefetcher(
            builder, Samples, 8, firstStep: 5, endStep: 105,
            new BatchPrefetcherOptions { Workers = workers, Capacity = capacity });
        long step = 5;
        while (prefetcher.TryNext(out Batch? batch))
        {
            builder.Fill(Samples(step++), expected);
            Assert.Equal(expected.Samples, batch.Samples);
            Assert.Equal(expected.Inputs, batch.Inputs);
            Assert.Equal(expected.Labels, batch.Labels);
        }
        Assert.Equal(105, step);
        Assert.False(prefetcher.TryNext(out _));
    }

    [Fact]
    public void TryNext_BatchInHand_IsNotOverwritten()
    {
        using var prefetcher = new BatchPrefetcher(Builder(), Samples, 8,
            options: new BatchPrefetcherOptions { Workers = 2, Capacity = 2 });
        for (int i = 0; i < 20; i++)
        {
            Assert.True(prefetcher.TryNext(out Batch? batch));
            int[] copy = [.. batch.Inputs];
            Thread.Sleep(5);
            Assert.Equal(copy, batch.Inputs);
            Assert.Equal(Samples(i), batch.Samples);
        }
    }

    [Fact]
    public void TryNext_FailureInAStep_SurfacesAtThatStepAndStays()
    {
        using var prefetcher = new BatchPrefetcher(
            Builder(), step => step == 3 ? throw new InputDataException("step three") : Samples(step), 8,
            options: new BatchPrefetcherOptions { Workers = 2 });
        for (int i = 0; i < 3; i++)
        {
            Assert.True(prefetcher.TryNext(out _));
        }
        Assert.Equal("step three", Assert.Throws<InputDataException>(() => prefetcher.TryNext(out _)).What);
        Assert.Throws<InputDataException>(() => prefetcher.TryNext(out _));
    }

    [Fact]
    public void Dispose_AtAnyMoment_EndsTheWorkers()
    {
        for (int taken = 0; taken < 10; taken++)
        {
            var prefetcher = new BatchPrefetcher(Builder(), Samples, 8,
                options: new BatchPrefetcherOptions { Workers = 3, Capacity = 1 });
            for (int i = 0; i < taken; i++)
            {
                prefetcher.TryNext(out _);
            }
            prefetcher.Dispose();
            prefetcher.Dispose();
            Assert.Throws<ObjectDisposedException>(() => prefetcher.TryNext(out _));
        }
    }

    [Fact]
    public void TryNext_WhileAnotherThreadDisposes_EndsWithObjectDisposed()
    {
        using var enough = new ManualResetEventSlim();
        using var prefetcher = new BatchPrefetcher(
            Builder(),
            step =>
            {
                if (step == 2)
                {
                    enough.Wait();
                }
                return Samples(step);
            },
            8);
        prefetcher.TryNext(out _);
        prefetcher.TryNext(out _);
        Task waiting = Task.Run(() => prefetcher.TryNext(out _));
        var disposing = new Thread(prefetcher.Dispose);
        disposing.Start();
        Assert.Throws<ObjectDisposedException>(() => waiting.GetAwaiter().GetResult());
        enough.Set();
        disposing.Join();
    }

    [Fact]
    public void Constructor_BadOptions_Throws()
    {
        var options = new BatchPrefetcherOptions { Capacity = 0, Workers = 0 };
        Assert.Equal(2, options.Validate().Count);
        Assert.Throws<ArgumentException>(() => new BatchPrefetcher(Builder(), Samples, 8, options: options));
    }
}
