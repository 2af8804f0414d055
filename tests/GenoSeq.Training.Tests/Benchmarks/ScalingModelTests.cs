using GenoSeq.Training.Benchmarks;

namespace GenoSeq.Training.Tests.Benchmarks;

public sealed class ScalingModelTests
{
    private static readonly ScalingModel s_model = new() { StepMs = 200, Parameters = 10_000_000 };

    [Fact]
    public void OneGpu_IsWhatWasMeasured() => Assert.Equal(new ScalingPrediction(1, 0, 0, 0, 0, 1), (s_model with { SpreadMs = 3 }).At(1));

    [Fact]
    public void Reduce_FollowsTheFormula()
    {
        // 40 MB: 2 * 7/8 * 40e6 / 360e9 s = 0.1944 ms, 2 * 3 * 3 us; then 2 * 7/8 * 40e6 / 40e9 s = 1.75 ms, 2 * 3 * 10 us.
        Assert.Equal(0.1944 + 0.018, s_model.ReduceMs(40e6, 8), 1e-4);
        Assert.Equal(0.1944 + 0.018 + 1.75 + 0.06, s_model.ReduceMs(40e6, 64), 1e-4);
    }

    [Fact]
    public void Sums_HideBehindTheBackwardPassButTheLastBucket()
    {
        ScalingPrediction p = s_model.At(64);
        Assert.Equal(p.ReduceMs / 2, p.ExposedMs, 1e-9); // two buckets of 20 MB
        Assert.Equal(6 * s_model.JoinMs, p.JoinMs, 1e-9);
        Assert.Equal(200 / (200 + p.ExposedMs + p.JoinMs), p.Efficiency, 1e-12);
        ScalingModel slow = s_model with { Between = new ScalingLink("slow", 0.5, 10), StepMs = 20 };
        p = slow.At(64);
        Assert.Equal(p.ReduceMs - 12, p.ExposedMs, 1e-9);
    }

    [Fact]
    public void Stragglers_CostMoreTheMoreThereAre()
    {
        ScalingModel model = s_model with { SpreadMs = 2 };
        Assert.Equal(2 * Math.Sqrt(2 * Math.Log(512)), model.At(512).StragglerMs, 1e-9);
        Assert.True(model.At(512).Efficiency < model.At(64).Efficiency);
        Assert.Equal(1, ScalingModel.SpreadOf(2.326, 5), 1e-9);
        Assert.Equal(0, ScalingModel.SpreadOf(2.326, 1));
    }
}
