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

    [Fact]
    public void Choose_MoreMemory_KeepsMoreAndStaysWithinIt()
    {
        var shape = new PassShape(1, 131072, 2);
        int before = int.MaxValue;
        foreach (double gib in (double[])[6.5, 8, 9.5, 12, 16, 24, 36, 48, 79])
        {
            LayerMemory[] plan = TrainingMemory.Choose(s_ps, 7_725_312, shape, (long)(gib * Gib));
            int level = plan.Sum(m => (int)m);
            Assert.True(level <= before, $"{gib} GiB keep less than the step before");
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
}
