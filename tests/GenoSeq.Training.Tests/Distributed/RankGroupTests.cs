using GenoSeq.Torch;
using GenoSeq.Training.Distributed;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.Distributed;

public sealed class RankGroupTests
{
    [Fact]
    public void Alone_EveryExchange_IsTheIdentity()
    {
        RankGroup alone = RankGroup.Join(new DistributedEnvironment { WorldSize = 1 }, Device.CPU);
        Assert.Same(RankGroup.Alone, alone);
        Assert.Equal(new[] { 1.0, 2 }, alone.Sum(1, 2));
        Assert.Equal(new[] { "x" }, alone.Gather("x"));
        Assert.Equal(5, alone.Together("thinking", () => 5));
        alone.Barrier();
    }

    [Fact]
    public void Exchanges_OfThreeRanks_GiveEveryRankAll() => Ranks.Run(3, g =>
    {
        Assert.Equal(new[] { 6.0, 0.5 }, g.Sum(g.Rank + 1, g.Rank == 1 ? 0.5 : 0));
        Assert.Equal(new[] { "0", "", "a longer text: é" }, g.Gather(g.Rank switch { 0 => "0", 1 => "", _ => "a longer text: é" }));
        Assert.Equal(new[] { 0.0, 1, 2 }, g.Gather((double)g.Rank).Select(v => v[0]));
        using Tensor t = full([4], g.Rank + 7);
        g.Broadcast(t);
        g.Sum(t);
        Assert.All(t.ToArray<float>(), v => Assert.Equal(21, v));
    });

    [Fact]
    public void Together_WhenOneRankFails_FailsOnAllAndNamesIt() => Ranks.Run(3, g =>
    {
        Exception? e = Record.Exception(() => g.Together("reading the tea leaves", () =>
        {
            if (g.Rank == 1)
            {
                throw new InvalidDataException("no leaves");
            }
        }));
        if (g.Rank == 1)
        {
            Assert.IsType<InvalidDataException>(e);
        }
        else
        {
            var failed = Assert.IsType<RankFailedException>(e);
            Assert.Equal(1, failed.Rank);
            Assert.Equal("rank 1 failed while reading the tea leaves: no leaves", failed.Message);
        }

        // The group goes on.
        Assert.Equal(3, g.Sum(1.0)[0]);
    });
}
