using GenoSeq.Models.Memory;
using GenoSeq.Models.Mixers.Fused;

namespace GenoSeq.Models.Tests;

public sealed class TrainingMemoryTests
{
    private const double Gib = 1L << 30;

    private static readonly ModelConfig s_ps = ModelPresets.Find("caduceus-ps-131k")!.Config;

    // Peaks of libtorch's allocator on one H100 (docs/benchmarks.md, "Training steps").
    [Theory]
    [InlineData(true, 128, 1024, 0, 0, 16, 49.00)]
    [InlineData(true, 1, 131072, 9, 7, 0, 12.40)]
    [InlineData(false, 128, 1024, 0, 0, 16, 24.58)]
    public void Peak_OfCaduceus_IsWithinTwentiethsOfTheMeasured(bool equivariant, int batch, int length, int recompute, int scans, int all,
        double measured)
    {
        ModelConfig config = s_ps with { RcEquivariant = equivariant };
        LayerMemory[] plan =
        [
            .. Enumerable.Repeat(LayerMemory.Recompute, recompute), .. Enumerable.Repeat(LayerMemory.KeepScan, scans),
            .. Enumerable.Repeat(LayerMemory.KeepAll, all),
        ];
        double predicted = TrainingMemory.Peak(config, 7_725_312, new PassShape(batch, length, 2), plan) / Gib;
        Assert.InRange(predicted / measured, 0.95, 1.05);
    }

    /// <summary>Peaks of training steps of two layers of d_model 256 over a million positions, GiB, as measured on an H100 (docs/benchmarks.md, "Families").</summary>
    [Theory]
    [InlineData("gla", 18.2)]
    [InlineData("gated-deltanet", 25.2)]
    [InlineData("rwkv7", 64.5)]
    [InlineData("lru", 21.8)]
    [InlineData("mamba3", 28.4)]
    public void Peak_OfMeasuredFamilies_IsALittleMore(string mixer, double measured)
    {
        var config = new ModelConfig { DModel = 256, NLayer = 2, Layout = mixer };
        double predicted = TrainingMemory.Peak(config, 700_000, new PassShape(1, 1 << 20, 2), TrainingMemory.Uniform(config, LayerMemory.KeepDense)) / (double)(1 << 30);
        Assert.InRange(predicted / measured, 1, 1.35);
    }

    [Fact]
    public void Choose_MoreMemory_KeepsMoreAndStaysWithinIt()
    {
        var shape = new PassShape(1, 131072, 2);
        int before = int.MaxValue;
        foreach (double gib in (double[])[6.5, 8, 9.5, 12, 16, 24, 36, 48, 80])
        {
            LayerMemory[] plan = TrainingMemory.Choose(s_ps, 7_725_312, shape, (long)(gib * Gib));
            int level = plan[0] == LayerMemory.RecomputeTime ? int.MaxValue - 1 : LayerCost.Of(s_ps, plan);
            Assert.True(level <= before, $"{gib} GiB give a slower plan than the step before");
            Assert.True(TrainingMemory.Peak(s_ps, 7_725_312, shape, plan) <= gib * Gib || plan.All(m => m == LayerMemory.RecomputeTime));
            before = level;
        }

        Assert.Equal(0, before);
    }

    [Fact]
    public void Choose_AMillionBases_FitsOneCard()
    {
        var shape = new PassShape(1, 1 << 20, 2);
        Assert.DoesNotContain(LayerMemory.RecomputeTime, TrainingMemory.Choose(s_ps, 7_725_312, shape, (long)(74 * Gib)));
        Assert.All(TrainingMemory.Choose(s_ps, 7_725_312, shape, (long)(46 * Gib)), m => Assert.Equal(LayerMemory.RecomputeTime, m));
    }

    [Fact]
    public void Choose_AMillionBases_KeepsRowsAndWhatElseThereIsRoomFor()
    {
        var shape = new PassShape(1, 1 << 20, 2);
        LayerMemory[] ps = TrainingMemory.Choose(s_ps, 7_725_312, shape, (long)(74 * Gib));
        Assert.Equal("keep rows 15, keep 1", TrainingMemory.Describe(ps));
        Assert.Equal(LayerMemory.Keep, ps[15]);
        LayerMemory[] ph = TrainingMemory.Choose(s_ps with { RcEquivariant = false }, 7_725_312, shape, (long)(74 * Gib));
        Assert.Equal("keep rows 13, keep 1, keep all, dense 2", TrainingMemory.Describe(ph));
    }

    [Fact]
    public void Peak_OfRows_CountsTheRowsTheSegmentsAndDenseCheckpoints()
    {
        var shape = new PassShape(1, 1 << 20, 2);
        long rows = 2L << 20;
        long Of(LayerMemory m, int layers) => TrainingMemory.Peak(s_ps with { NLayer = layers }, 0, shape, [.. Enumerable.Repeat(m, layers)]);
        long stream = 4 * rows * 256;
        long segments = Of(LayerMemory.Recompute, 5) - Of(LayerMemory.Recompute, 4) - stream;
        Assert.InRange(segments, 9 << 20, 20 << 20); // of 66 segments of two scans of two strands 9.2 MB, and at most twice as many
        Assert.Equal(stream + segments + (2 * rows * 2 * 48), Of(LayerMemory.KeepRows, 5) - Of(LayerMemory.KeepRows, 4));
        Assert.Equal(rows * ((2 * 2 * 48) + (2 * 3 * 512)), Of(LayerMemory.KeepRows, 1) - Of(LayerMemory.Recompute, 1));
    }
}
