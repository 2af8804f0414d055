using GenoSeq.Emulator;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.Distributed;

/// <summary>The steps of a device with kernels on two ranks, in the emulator.</summary>
[Collection(EngineCollection.Name)]
public sealed class DeviceRanksTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Run_OnTwoRanks_GivesTheWeightsOfOne(int zero)
    {
        using var work = new TinyRun();
        RunConfig config = work.Config with
        {
            Train = work.Config.Train with { Steps = 3, WarmupSteps = 1, GlobalBatchSize = 192, MicroBatchSize = 1, ZeroStage = zero, BucketMib = 0.002, ValidateEvery = 0 },
            Data = work.Config.Data with { ValidationFraction = 0 },
        };
        float[] expected;
        using (new EmulatedDevice().Use())
        {
            using SequenceModel model = PretrainRun.CreateModel(config);
            expected = Train(config, model, null);
        }

        SequenceModel[] models = [PretrainRun.CreateModel(config), PretrainRun.CreateModel(config with { Seed = 7 })];
        Ranks.Run(2, g =>
        {
            using EmulatedDevice.Scope device = new EmulatedDevice().Use();
            float[] weights = Train(config, models[g.Rank], g);
            Assert.All(expected.Zip(weights), p => Assert.Equal(p.First, p.Second, 1e-5f));
        });
        Array.ForEach(models, m => m.Dispose());
    }

    private static float[] Train(RunConfig config, SequenceModel model, Training.Distributed.RankGroup? group)
    {
        using var data = new TrainingData(config);
        using var folder = new TinyRun("");
        bool writes = group is null || group.IsFirst;
        using var metrics = writes ? Training.Runs.MetricsWriter.Create(folder["metrics.jsonl"]) : null;
        using var trainer = new Trainer(config, data, model, writes ? new Training.Checkpoints.CheckpointStore(folder["c"], "", 1) : null,
            metrics, new Recorder(), group);
        Assert.Equal(EndReason.Completed, trainer.Run());
        using DisposeScope scope = torch.NewDisposeScope();
        return [.. model.parameters().SelectMany(p => p.detach().contiguous().ToArray<float>())];
    }
}
