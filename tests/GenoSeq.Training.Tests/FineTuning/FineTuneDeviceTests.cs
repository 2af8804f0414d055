using GenoSeq.Models;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Runs;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.FineTuning;

/// <summary>A GPU's steps, captured ones too, against the CPU's.</summary>
[Trait("Category", "Gpu")]
[Collection(EngineCollection.Name)]
public sealed class FineTuneDeviceTests
{
    public static TheoryData<string, FineTuningConfig, bool> Modes() => new()
    {
        { "scratch", new() { Mode = TuningMode.Scratch }, false },
        { "scratch, one length", new() { Mode = TuningMode.Scratch, MaxLength = 20, TooLong = TooLong.Truncate }, true },
        { "layer decay, in parts", new() { LayerDecay = 0.5, MicroBatchSize = 6 }, false },
        { "layers join", new() { UnfreezeEvery = 1 }, true },
        { "lora", new() { Mode = TuningMode.Lora, LoraRank = 2 }, false },
        { "probe", new() { Mode = TuningMode.Probe }, true },
        { "bases beside labels", new() { MaskRate = 0.2, LanguageWeight = 0.5 }, true },
        { "bases beside labels, lora", new() { Mode = TuningMode.Lora, LoraRank = 2, MaskRate = 0.2, LanguageWeight = 0.5 }, false },
        { "average", new() { AverageDecay = 0.9 }, false },
        { "soup", new() { Soup = 2, MaskRate = 0.2, LanguageWeight = 0.5 }, true },
        { "soup, lora", new() { Mode = TuningMode.Lora, Soup = 2, LoraRank = 2 }, false },
        { "adapted before", new() { AdaptSteps = 12, AdaptLearningRate = 0.001 }, true },
    };

    [Theory]
    [MemberData(nameof(Modes))]
    public void Run_OnAGpu_TakesTheStepsOfTheCpu(string name, FineTuningConfig mode, bool equivariant)
    {
        using var set = new TinySet();
        var model = new ModelConfig { DModel = 32, NLayer = 2, Bidirectional = true, RcEquivariant = equivariant };
        FineTuneConfig config = set.Config with { Model = model, Finetune = mode with { Epochs = 4, BatchSize = 16, LearningRate = 0.002, LogEvery = 1 } };
        if (mode.Mode != TuningMode.Scratch)
        {
            set.Run(set.With(f => f with { MaxSteps = 1 }, model), "start");
            config = config with { Checkpoint = set["start"] };
        }

        set.Run(config, "cpu");
        set.Run(config with { Device = "cuda" }, "gpu");
        IReadOnlyList<MetricsLine> cpu = MetricsReader.Read(set["cpu/seed-42/metrics.jsonl"]), gpu = MetricsReader.Read(set["gpu/seed-42/metrics.jsonl"]);
        Assert.Equal(cpu.Count, gpu.Count);
        foreach ((MetricsLine a, MetricsLine b) in cpu.Zip(gpu))
        {
            foreach (string key in a.Values.Keys.Where(k => k is "train/loss" or "val/loss" or "train/gradient_norm"))
            {
                Assert.True(Math.Abs(a.Values[key] - b.Values[key]) <= 5e-3 * Math.Max(1, a.Values[key]), $"{name}, step {a.Step}: {key} {a.Values[key]} and {b.Values[key]}");
            }
        }
    }
}
