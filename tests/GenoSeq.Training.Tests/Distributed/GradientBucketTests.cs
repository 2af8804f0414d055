using GenoSeq.Torch;
using GenoSeq.Training.Distributed;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.Distributed;

public sealed class GradientBucketTests
{
    [Fact]
    public void Divide_PutsLastParametersFirst_AndShardsEvenly()
    {
        using DisposeScope scope = NewDisposeScope();
        (string, nn.Parameter)[] parameters = [("a", P(100)), ("b", P(3)), ("c", P(7, 9)), ("d", P(1))];
        FlatBucket[] buckets = FlatBucket.Divide(parameters, firstBytes: 1, bytes: 512, ranks: 3);
        Assert.Equal(["d", "c,b", "a"], buckets.Select(b => string.Join(",", b.Slots.Select(s => s.Name))));
        Assert.All(buckets, b => Assert.True(b.Length % 3 == 0 && b.Slots.All(s => s.Offset % 64 == 0)));
        Array.ForEach(buckets, b => b.Dispose());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Backward_InTwoPasses_SumsOverPassesAndRanks(bool shard) => Ranks.Run(2, g =>
    {
        using nn.Parameter a = P(5);
        using nn.Parameter b = P(64, 3);
        using nn.Parameter unused = P(2);
        using var buckets = new GradientBuckets([("a", a), ("b", b), ("unused", unused)], g, 256, shard);
        for (int step = 0; step < 3; step++)
        {
            buckets.Zero();
            for (int pass = 0; pass < 2; pass++)
            {
                if (pass == 1)
                {
                    buckets.Arm();
                }

                ((a * (g.Rank + 1)).sum() + (b * (10 * (g.Rank + 1) * (step + 1))).sum()).backward();
            }

            buckets.StartRest();
            buckets.Wait();
            if (shard)
            {
                buckets.GatherShards(bucket => bucket.Gradients);
            }

            Assert.All(a.grad!.ToArray<float>(), v => Assert.Equal(6, v));
            Assert.All(b.grad!.ToArray<float>(), v => Assert.Equal(60 * (step + 1), v));
            Assert.All(unused.grad!.ToArray<float>(), v => Assert.Equal(0, v));
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Backward_OfTheLastPass_BeginsTheReductions(bool overlap) => Ranks.Run(2, g =>
    {
        using nn.Parameter a = P(5);
        using nn.Parameter b = P(64, 3);
        using var buckets = new GradientBuckets([("a", a), ("b", b)], g, 256, false);
        buckets.Overlap(overlap);
        buckets.Zero();
        (a.sum() * b.sum()).backward();
        Assert.All(buckets.Buckets, bucket => Assert.Null(bucket.Work));
        buckets.Arm();
        (a.sum() * b.sum()).backward();
        Assert.All(buckets.Buckets, bucket => Assert.Equal(overlap, bucket.Work is not null));
        buckets.StartRest();
        buckets.Wait();
        Assert.All(a.grad!.ToArray<float>(), v => Assert.Equal(2 * 2 * 192, v));
        if (overlap)
        {
            // Zero was forgotten: the gradients are reduced already.
            buckets.Arm();
            Assert.Throws<InvalidOperationException>(() =>
            {
                a.sum().backward();
                a.sum().backward();
            });
        }
    });

    [Fact]
    public void StartRest_WhenAGradientWasReplaced_SaysSo() => Ranks.Run(1 + 1, g =>
    {
        using nn.Parameter a = P(5);
        using var buckets = new GradientBuckets([("a", a)], g, 256, false);
        buckets.Zero();
        a.grad = null;
        Assert.Throws<InvalidOperationException>(buckets.StartRest);
    });

    private static nn.Parameter P(params long[] shape) => new(ones(shape));
}
