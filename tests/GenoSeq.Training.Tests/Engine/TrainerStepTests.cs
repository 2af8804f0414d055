using System.Text;
using GenoSeq.Data;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Engine;

/// <summary>What one step of the optimizer computes.</summary>
[Collection(EngineCollection.Name)]
public sealed class TrainerStepTests
{
    // A large epsilon keeps AdamW from blowing rounding of tiny gradients up to whole learning rates.
    private static RunConfig Smooth(RunConfig config) => config with { Train = config.Train with { Eps = 0.01, WarmupSteps = 0 } };

    // Windows with very different numbers of targets: a mean of means would be another number.
    private static string Uneven()
    {
        var random = new Random(3);
        var text = new StringBuilder(">c1\n");
        for (int i = 0; i < 6000; i++)
        {
            text.Append(i / 64 % 3 == 1 && random.Next(10) > 0 ? 'N' : "ACGT"[random.Next(4)]);
        }

        return text.Append('\n').ToString();
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(3, true)]
    public void Step_AccumulatedMicroBatches_GiveLossAndWeightsOfTheWholeBatch(int micro, bool causal)
    {
        using var run = new TinyRun(Uneven());
        RunConfig config = Smooth(causal ? run.Causal : run.Config);
        config = config with { Data = config.Data with { MinAcgtFraction = 0 }, Train = config.Train with { GlobalBatchSize = 8 * 64 } };
        using var whole = new Bench(config);
        using var parts = new Bench(config with { Train = config.Train with { MicroBatchSize = micro } });
        Assert.True(whole.Batch(0).TargetCounts.Distinct().Count() > 2, "the windows are too alike for this test");
        for (int step = 0; step < 3; step++)
        {
            whole.Trainer.Step(whole.Batch(step));
            parts.Trainer.Step(parts.Batch(step));
            Assert.Equal(whole.Seen.Steps[step].BitsPerBase, parts.Seen.Steps[step].BitsPerBase, 2e-6);
            Assert.Equal(whole.Seen.Steps[step].GradientNorm, parts.Seen.Steps[step].GradientNorm, 2e-5);
        }

        float[] a = whole.Weights();
        float[] b = parts.Weights();
        Assert.All(a.Zip(b), pair => Assert.Equal(pair.First, pair.Second, 2e-6f));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Step_Loss_IsMeanOverAllTargetsOfTheStep(int micro)
    {
        using var run = new TinyRun(Uneven());
        RunConfig config = run.Config with { Train = run.Config.Train with { MicroBatchSize = micro } };
        using var bench = new Bench(config with { Data = config.Data with { MinAcgtFraction = 0 } });
        Batch batch = bench.Batch(0);
        var each = bench.BitsOf(batch);
        double meanOfMeans = each.GroupBy(e => e.Window).Average(g => g.Average(e => e.Bits));
        bench.Trainer.Step(batch);
        Assert.Equal(each.Average(e => e.Bits), bench.Seen.Steps[0].BitsPerBase, 1e-5);
        Assert.True(Math.Abs(meanOfMeans - each.Average(e => e.Bits)) > 1e-4, "the two means are too close for this test");
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.25f)]
    public void Step_SoftMaskWeight_WeighsLowerCaseInLossAndItsDivisor(float weight)
    {
        string genome = TinyRun.Genome(5, 6000);
        var mixed = new StringBuilder(genome);
        for (int i = 4; i < mixed.Length; i++)
        {
            mixed[i] = i / 10 % 2 == 0 ? char.ToLowerInvariant(mixed[i]) : mixed[i];
        }

        using var run = new TinyRun(mixed.ToString());
        using var bench = new Bench(run.Config with { Objective = run.Config.Objective with { SoftMaskWeight = weight } });
        Batch batch = bench.Batch(0);
        var each = bench.BitsOf(batch);
        Assert.Contains(each, e => e.Weight == weight);
        Assert.Contains(each, e => e.Weight == 1);
        bench.Trainer.Step(batch);
        double expected = each.Sum(e => e.Weight * e.Bits) / each.Sum(e => e.Weight);
        Assert.Equal(expected, bench.Seen.Steps[0].BitsPerBase, 1e-5);
        Assert.NotEqual(each.Average(e => e.Bits), expected, 1e-3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.01)]
    [InlineData(1e9)]
    public void Step_ClipNorm_ScalesTheGradientThatTheOptimizerSees(double clip)
    {
        using var run = new TinyRun();
        var seen = new Recorder();
        run.Run(run.Config with { Train = run.Config.Train with { Steps = 1, WarmupSteps = 0, ClipNorm = clip } }, "run", seen);
        double norm = seen.Steps[0].GradientNorm;
        Assert.InRange(norm, 0.02, 1e3);

        // After one step the first moment is (1 - beta1) times the gradient.
        using SafetensorsCheckpoint file = SafetensorsCheckpoint.Open(run["run/checkpoints/step-000001/optimizer.safetensors"]);
        double sum = file.Entries.Where(e => e.Name.StartsWith("exp_avg.", StringComparison.Ordinal))
            .Sum(e => file.ToArray<float>(e.Name).Sum(x => (double)x * x));
        double expected = clip > 0 ? Math.Min(clip, norm) : norm;
        Assert.Equal(1, Math.Sqrt(sum) / (0.1 * expected), 1e-5);
    }

    [Fact]
    public void Step_NoTargets_DoesNotSpoilTheMeanNorTheCheckpoint()
    {
        using var run = new TinyRun();
        RunConfig config = run.Config;
        config = config with
        {
            Data = config.Data with { ContextLength = 4 },
            Objective = config.Objective with { MaskProbability = 0.1 },
            Train = config.Train with { GlobalBatchSize = 4, Steps = 12, LogEvery = 12, ValidateEvery = 0, ValidationTokens = 0 },
            Checkpoint = new CheckpointConfig { Every = 1, Keep = 20 },
        };
        var seen = new Recorder();
        run.Run(config, "run", seen);
        Assert.Contains(seen.Steps, s => double.IsNaN(s.BitsPerBase));
        double[] known = [.. seen.Steps.Select(s => s.BitsPerBase).Where(double.IsFinite)];
        Assert.NotEmpty(known);
        Assert.Equal(known.Average(), run.Metrics("run")[0].Values["train/bits_per_base"], 1e-9);
    }
}
