using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Tests.Engine;

/// <summary>Short windows first.</summary>
[Collection(EngineCollection.Name)]
public sealed class LengthWarmupTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    private RunConfig Config => _run.Config with
    {
        Train = _run.Config.Train with
        {
            Steps = 12,
            LengthWarmup = new LengthWarmupConfig { StartLength = 16, StepsPerStage = 3 },
        },
        Checkpoint = new CheckpointConfig { Every = 2, Keep = 20 },
    };

    [Fact]
    public void Stages_OfAConfiguration_DoubleAtConstantTokens()
    {
        var schedule = new LengthSchedule(Config);
        Assert.Equal(
            [new LengthStage(0, 3, 16, 16, 16), new LengthStage(3, 6, 32, 8, 8), new LengthStage(6, 12, 64, 4, 4)],
            schedule.Stages);
        Assert.Equal([16, 16, 16, 32, 32, 32, 64, 64], Enumerable.Range(0, 8).Select(s => schedule.At(s).Length));
        Assert.Equal(new SampleRange(8, 8), schedule.At(4).Samples(4));
        Assert.Equal(64, schedule.At(1000).Length);
    }

    [Fact]
    public void Stages_MicroBatch_KeepsTokensOfAPass()
    {
        RunConfig config = Config with { Train = Config.Train with { MicroBatchSize = 2 } };
        Assert.Equal([8, 4, 2], new LengthSchedule(config).Stages.Select(s => s.MicroBatch));
    }

    [Fact]
    public void Stages_NotAPowerOfTwoOrNone_EndAtTheContextLength()
    {
        RunConfig odd = Config with { Data = Config.Data with { ContextLength = 50 } };
        Assert.Equal([16, 32, 50], new LengthSchedule(odd).Stages.Select(s => s.Length));
        RunConfig none = Config with { Train = Config.Train with { LengthWarmup = new LengthWarmupConfig() } };
        Assert.Equal([new LengthStage(0, 12, 64, 4, 4)], new LengthSchedule(none).Stages);
    }

    [Fact]
    public void Batches_OfAStage_AreTheirOwnSamplersFromSampleZero()
    {
        using var data = new TrainingData(Config);
        LengthStage second = new LengthSchedule(Config).Stages[1];
        BatchBuilder builder = LengthSchedule.BuilderOf(second, Config, data);
        Assert.Equal(32, builder.Length);
        Batch batch = builder.CreateBatch(second.WindowsPerStep);
        builder.Fill(second.Samples(3), batch);
        Assert.Equal(0, batch.Samples.First);
        Assert.NotEqual(Config.Seed, builder.Options.Seed);
        BatchBuilder last = LengthSchedule.BuilderOf(new LengthSchedule(Config).Stages[^1], Config, data);
        Assert.Same(data.TrainBuilder, last);
    }

    [Fact]
    public void Run_WithStages_WritesLengthsAndCountsTokensTheSame()
    {
        var seen = new Recorder();
        _run.Run(Config, "run", seen);
        var lines = _run.Metrics("run").Where(l => l.Values.ContainsKey("data/length")).ToList();
        Assert.Equal([16.0, 16, 16, 32, 32, 32, 64, 64, 64, 64, 64, 64], lines.Select(l => l.Values["data/length"]));
        Assert.Equal(Enumerable.Range(1, 12).Select(s => s * 256L), lines.Select(l => l.Tokens));
        Assert.All(lines, l => Assert.InRange(l.Values["data/wait_ms"], 0, 60_000));
        Assert.Contains("\"data_wait_share\"", File.ReadAllText(_run["run/summary.json"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(8)]
    public void Run_ResumedInAnyStage_IsTheUninterruptedRun(int step)
    {
        _run.Run(Config, "run");
        byte[] weights = _run.Weights("run", 12);
        var before = _run.Metrics("run");
        var seen = new Recorder();
        _run.Run(Config, "run", seen, resume: _run[FormattableString.Invariant($"run/checkpoints/step-{step:D6}")]);
        Assert.Equal(step + 1, seen.Steps[0].Step);
        TinyRun.AssertSame(before, _run.Metrics("run"));
        Assert.Equal(weights, _run.Weights("run", 12));
    }

    [Fact]
    public void Validate_ImpossibleSchedules_SayWhy()
    {
        Assert.NotEmpty(new LengthWarmupConfig { StartLength = 1, StepsPerStage = 1 }.Validate());
        Assert.NotEmpty(new LengthWarmupConfig { StartLength = 16 }.Validate());
        Assert.NotEmpty(new LengthWarmupConfig { StepsPerStage = 16 }.Validate());
        Assert.Empty(Config.Validate());
        Assert.Contains("nothing of train.steps", Assert.Single((Config with { Train = Config.Train with { Steps = 6 } }).Validate()), StringComparison.Ordinal);
        RunConfig tooLong = Config with { Train = Config.Train with { LengthWarmup = new LengthWarmupConfig { StartLength = 64, StepsPerStage = 1 } } };
        Assert.Contains("less than data.context_length", Assert.Single(tooLong.Validate()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(12)]
    public void Run_StoppedDuringAValidation_EndsBeforeItsEndAndContinuesWithIt(int at)
    {
        // One window a batch: the validation takes many of them.
        RunConfig config = Config with { Train = Config.Train with { MicroBatchSize = 1, ValidationTokens = 0 } };
        using var stop = new CancellationTokenSource();
        var seen = new Recorder((_, report) =>
        {
            if (report.Step == at)
            {
                stop.Cancel();
            }
        });
        Assert.Equal(EndReason.Interrupted, _run.Run(config, "run", seen, stop: stop.Token).Reason);
        Assert.Equal(at, seen.Steps[^1].Step);
        Assert.DoesNotContain(seen.Validations, v => v.Step == at);
        Assert.EndsWith($"step-{at:D6}", seen.Saves[^1].Path, StringComparison.Ordinal);
        Assert.Equal(EndReason.Completed, _run.Run(config, "run").Reason);
        _run.Run(config, "whole");
        TinyRun.AssertSame(_run.Metrics("whole"), _run.Metrics("run"));
        Assert.Equal(_run.Weights("whole", 12), _run.Weights("run", 12));
    }
}
