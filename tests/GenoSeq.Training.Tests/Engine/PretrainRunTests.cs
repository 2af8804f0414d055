using System.Text;
using GenoSeq.Models;
using GenoSeq.Models.Kernels;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Tests.Engine;

/// <summary>Whole runs.</summary>
[Collection(EngineCollection.Name)]
public sealed class PretrainRunTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_SameSeed_GivesSameMetricsAndWeights(bool causal)
    {
        RunConfig config = causal ? _run.Causal : _run.Config;
        _run.Run(config, "a");
        _run.Run(config, "b");
        TinyRun.AssertSame(_run.Metrics("a"), _run.Metrics("b"));
        Assert.Equal(_run.Weights("a", 8), _run.Weights("b", 8));

        _run.Run(config with { Seed = 43 }, "c");
        Assert.False(_run.Metrics("a")[0].EqualsApartFromTime(_run.Metrics("c")[0]), "the seed changes nothing");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_OneOrTwoThreads_GivesSameMetricsAndWeights(bool causal)
    {
        RunConfig config = causal ? _run.Causal : _run.Config;
        config = config with { Model = config.Model with { DModel = 32 }, Train = config.Train with { GlobalBatchSize = 1024 } };
        int kernels = KernelThreads.Count;
        int engine = torch.get_num_threads();
        try
        {
            foreach (int threads in new[] { 1, 2 })
            {
                KernelThreads.Count = threads;
                torch.set_num_threads(threads);
                _run.Run(config, $"{threads}");
            }
        }
        finally
        {
            KernelThreads.Count = kernels;
            torch.set_num_threads(engine);
        }

        TinyRun.AssertSame(_run.Metrics("1"), _run.Metrics("2"));
        Assert.Equal(_run.Weights("1", 8), _run.Weights("2", 8));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_RecomputedLayers_GivesSameMetricsAndWeights(bool causal)
    {
        RunConfig config = causal ? _run.Causal : _run.Config;
        _run.Run(config, "none");
        _run.Run(config with { Train = config.Train with { Recompute = Recompute.Layer } }, "layer");
        TinyRun.AssertSame(_run.Metrics("none"), _run.Metrics("layer"));
        Assert.Equal(_run.Weights("none", 8), _run.Weights("layer", 8));
    }

    [Theory]
    [InlineData(Precision.Fp32, "mlm")]
    [InlineData(Precision.Bf16, "mlm")]
    [InlineData(Precision.Bf16, "causal")]
    [InlineData(Precision.Bf16, "transformer")]
    public void Run_PeriodicGenome_IsLearned(Precision precision, string kind)
    {
        var text = new StringBuilder(">c1\n");
        for (int i = 0; i < 4000; i++)
        {
            text.Append("ACGTTGCAAC"[i % 10]);
        }

        using var run = new TinyRun(text.Append('\n').ToString());
        RunConfig config = kind == "mlm" ? run.Config : run.Causal;
        if (kind == "transformer")
        {
            config = config with
            {
                Model = new ModelConfig { DModel = 16, NLayer = 2, Layout = "A", Attention = new AttentionConfig { NHead = 2 }, Mlp = new MlpConfig { DFf = 32 } },
            };
        }

        var seen = new Recorder();
        run.Run(config with { Train = config.Train with { Steps = 80, Precision = precision, LearningRate = 0.02, ValidateEvery = 0 } }, "run", seen);
        Assert.True(seen.Validations[^1].Result.BitsPerBase < 1, $"{seen.Steps[0].BitsPerBase:F3} bits fell to {seen.Validations[^1].Result.BitsPerBase:F3} only");
        Assert.True(seen.Steps[0].BitsPerBase > 1.9);
    }

    [Fact]
    public void Run_FromEarlierWeights_BeginsWhereTheyEnded()
    {
        Recorder first = new(), second = new();
        _run.Run(_run.Config, "first", first);
        RunConfig again = _run.Config with { Train = _run.Config.Train with { Init = _run["first"], LearningRate = 1e-9, MinLearningRate = 1e-9 } };
        _run.Run(again, "second", second);
        double best = first.Validations.Min(v => v.Result.BitsPerBase);
        Assert.All(second.Validations, v => Assert.Equal(best, v.Result.BitsPerBase, 1e-5));

        var e = Assert.Throws<ConfigException>(() => _run.Run(again with { Model = again.Model with { DModel = 32 } }, "third"));
        Assert.Contains("train.init", e.Message, StringComparison.Ordinal);
        Assert.Contains("model.d_model is 8; expected 32", e.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_run["third"]));
    }

    [Fact]
    public void Run_Bf16_ComputesOtherNumbersThanFp32()
    {
        var single = new Recorder();
        var half = new Recorder();
        _run.Run(_run.Config, "fp32", single);
        _run.Run(_run.Config with { Train = _run.Config.Train with { Precision = Precision.Bf16 } }, "bf16", half);
        Assert.NotEqual(single.Steps[0].BitsPerBase, half.Steps[0].BitsPerBase);
        Assert.Equal(single.Steps[0].BitsPerBase, half.Steps[0].BitsPerBase, 0.05);
    }

    [Fact]
    public void Run_ValidationNotGettingBetter_StopsAfterPatienceAndStaysStopped()
    {
        // So small a rate changes no weight: every validation gives the first one's figure.
        RunConfig config = _run.Config with
        {
            Train = _run.Config.Train with { Steps = 20, LearningRate = 1e-30, MinLearningRate = 0, ValidateEvery = 2, Patience = 3 },
        };
        var seen = new Recorder();
        Assert.Equal(EndReason.EarlyStopped, _run.Run(config, "run", seen).Reason);
        Assert.Equal([2L, 4, 6, 8], seen.Validations.Select(v => v.Step));
        Assert.Equal([true, false, false, false], seen.Validations.Select(v => v.IsBest));
        Assert.Equal("step-000002", File.ReadAllText(_run["run/checkpoints/best"]).Trim());
        Assert.Equal("step-000008", File.ReadAllText(_run["run/checkpoints/last"]).Trim());
        Assert.Contains("\"earlystopped\"", File.ReadAllText(_run["run/summary.json"]), StringComparison.Ordinal);

        File.Delete(_run["run/summary.json"]);
        var again = new Recorder();
        Assert.Equal(EndReason.EarlyStopped, _run.Run(config, "run", again).Reason);
        Assert.Empty(again.Steps);
    }

    [Fact]
    public void Run_WeightBecomesNaN_DivergesWithStepAndNameAndLastCheckpoint()
    {
        RunConfig config = _run.Config with { Checkpoint = new CheckpointConfig { Every = 2 }, Train = _run.Config.Train with { ValidateEvery = 0 } };
        var seen = new Recorder((model, report) =>
        {
            if (report.Step == 5)
            {
                using IDisposable mode = torch.no_grad();
                model.NormF.weight.fill_(double.NaN);
            }
        });
        var error = Assert.Throws<TrainingDivergedException>(() => _run.Run(config, "run", seen));
        Assert.Equal(5, error.Step);
        Assert.Contains("norm_f.weight", error.What, StringComparison.Ordinal);
        Assert.Contains("step 6", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("step-000004", error.LastGood, StringComparison.Ordinal);

        // The run goes on from there as if nothing had happened.
        _run.Run(config, "run");
        _run.Run(config, "whole");
        Assert.Equal(_run.Weights("whole", 8), _run.Weights("run", 8));
    }

    [Fact]
    public void Run_Cancelled_StopsBehindTheStepWithACheckpoint()
    {
        using var stop = new CancellationTokenSource();
        var seen = new Recorder((_, report) =>
        {
            if (report.Step == 3)
            {
                stop.Cancel();
            }
        });
        Assert.Equal(EndReason.Interrupted, _run.Run(_run.Config, "run", seen, stop: stop.Token).Reason);
        Assert.Equal(3, seen.Steps[^1].Step);
        Assert.EndsWith("step-000003", seen.Saves[^1].Path, StringComparison.Ordinal);
        _run.Run(_run.Config, "run");
        _run.Run(_run.Config, "whole");
        TinyRun.AssertSame(_run.Metrics("whole"), _run.Metrics("run"));
        Assert.Equal(_run.Weights("whole", 8), _run.Weights("run", 8));
    }

    [Fact]
    public void Run_FromAnEarlierCheckpoint_RepeatsTheSameSteps()
    {
        RunConfig config = _run.Config with { Checkpoint = new CheckpointConfig { Every = 2, Keep = 2 } };
        _run.Run(config, "run");
        byte[] weights = _run.Weights("run", 8);
        var before = _run.Metrics("run");
        var seen = new Recorder();
        _run.Run(config, "run", seen, resume: _run["run/checkpoints/step-000006"]);
        Assert.Equal(7, seen.Steps[0].Step);
        TinyRun.AssertSame(before, _run.Metrics("run"));
        Assert.Equal(weights, _run.Weights("run", 8));
    }

    [Fact]
    public void Run_DeviceAbsent_LeavesNoFolder()
    {
        Assert.ThrowsAny<Exception>(() => _run.Run(_run.Config with { Device = "cuda:99" }, "run"));
        Assert.False(Directory.Exists(_run["run"]));
    }

    [Fact]
    public void Run_OtherSettings_AreListedAndRefused()
    {
        _run.Run(_run.Config, "run");
        var error = Assert.Throws<ConfigException>(() => _run.Run(_run.Config with
        {
            Seed = 7,
            Train = _run.Config.Train with { Beta2 = 0.9, LogEvery = 5 },
            Objective = _run.Config.Objective with { MaskProbability = 0.2 },
        }, "run"));
        Assert.Equal(["objective.mask_probability", "seed", "train.beta2"], error.Problems.Select(p => p.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void DryRun_Config_WritesNothingAndCountsRight()
    {
        string[] before = Directory.GetFileSystemEntries(Path.GetTempPath(), "genoseq-dry-run-*");
        DryRunReport report = DryRun.Run(_run.Config);
        Assert.Equal(before, Directory.GetFileSystemEntries(Path.GetTempPath(), "genoseq-dry-run-*"));
        using SequenceModel model = PretrainRun.CreateModel(_run.Config);
        Assert.Equal(model.parameters().Sum(p => p.shape.Aggregate(1L, (a, b) => a * b)), report.Parameters);
        Assert.Equal(7000, report.TrainBases + report.ValidationBases);
        Assert.Equal(4, report.WindowsPerStep);
        Assert.Equal(256, report.TokensPerStep);

        var seen = new Recorder();
        _run.Run(_run.Config, "run", seen);
        Assert.Equal(seen.Steps[0].BitsPerBase, report.BitsPerBase);
    }
}
