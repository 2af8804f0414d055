namespace GenoSeq.Data.Tests;

public class SampleRangeTests
{
    [Theory]
    [InlineData(8, 1)]
    [InlineData(8, 2)]
    [InlineData(8, 3)]
    [InlineData(7, 4)]
    [InlineData(3, 5)]
    public void ForStep_AnyWorldSize_CoversTheSameSamplesOnce(int globalBatch, int world)
    {
        for (long step = 0; step < 5; step++)
        {
            IEnumerable<long> samples = Enumerable.Range(0, world)
                .Select(rank => SampleRange.ForStep(step, globalBatch, rank, world))
                .SelectMany(r => Enumerable.Range(0, r.Count).Select(i => r.First + i));
            Assert.Equal(Enumerable.Range(0, globalBatch).Select(i => step * globalBatch + i), samples);
        }
    }

    [Fact]
    public void Split_MicroBatches_CoverTheRange()
    {
        SampleRange[] parts = [.. new SampleRange(100, 10).Split(4)];
        Assert.Equal([new SampleRange(100, 4), new SampleRange(104, 4), new SampleRange(108, 2)], parts);
    }

    [Fact]
    public void ForStep_BadRank_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => SampleRange.ForStep(0, 8, 2, 2));
}
