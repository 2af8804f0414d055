using System.Globalization;
using System.Text.RegularExpressions;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Runs;
using GenoSeq.Training.Tests.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.FineTuning;

/// <summary>Learning bases of the training rows: before the labels, and beside them.</summary>
[Collection(EngineCollection.Name)]
public sealed partial class RowAdaptationTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Run_LearnsTheBasesOfTheRowsAndLeavesTheHead(bool bidirectional, bool equivariant)
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(bidirectional, equivariant);
        float[] head = [.. model.Head.parameters().SelectMany(p => p.ToArray<float>())];
        List<double> bits = Adapt(model, set, new FineTuningConfig { AdaptSteps = 60, BatchSize = 16, MicroBatchSize = 5, LearningRate = 0.02 });
        Assert.Equal(5, bits.Count);
        // A fresh model gives each of 16 tokens the same chance, 4 bits. Rows are of A or of C in three places of four or so: less than the 2 bits of four equal bases.
        Assert.True(bits[^1] < 1.7, string.Join(" ", bits));
        Assert.Equal(head, model.Head.parameters().SelectMany(p => p.ToArray<float>()));
    }

    [Fact]
    public void Run_ReadsTrainingRowsAlone()
    {
        string csv = TinySet.Csv(64, 20, 20), other = csv.Replace("AA", "GT", StringComparison.Ordinal);
        string mixed = string.Join('\n', csv.Split('\n').Zip(other.Split('\n'), (a, b) => a.EndsWith("train", StringComparison.Ordinal) ? a : b));
        Assert.NotEqual(csv, mixed);
        float[] Weights(string text)
        {
            using var folder = new TinySet(text);
            using LabelledSet set = folder.Open();
            using TaskModel model = Build(true, false);
            Adapt(model, set, new FineTuningConfig { AdaptSteps = 6, BatchSize = 16, LearningRate = 0.02 });
            return [.. model.Model.parameters().SelectMany(p => p.ToArray<float>())];
        }

        float[] weights = Weights(csv);
        Assert.Equal(weights, Weights(mixed));
        Assert.NotEqual(weights, Weights(other));
    }

    [Fact]
    public void Run_AskedToStop_Stops()
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(true, false);
        Assert.Throws<OperationCanceledException>(() =>
            RowAdaptation.Run(new FineTuningConfig { AdaptSteps = 6 }, set, model, 1, _ => { }, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Run_ThatDiverges_SaysWhere()
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(true, false);
        var e = Assert.Throws<TrainingDivergedException>(() => Adapt(model, set, new FineTuningConfig { AdaptSteps = 30, LearningRate = 1e30, MinLearningRate = 1e30, ClipNorm = 0 }));
        Assert.Contains("of the bases, before any label was seen (adapt_steps), is not finite", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_OfTheCommand_AdaptsBeforeItTunes()
    {
        using var set = new TinySet();
        var lines = new List<string>();
        FineTuneConfig config = set.With(f => f with { AdaptSteps = 10, AdaptLearningRate = 0.01, MaxSteps = 4 });
        FineTuneRun.Run(new FineTuneRequest { Config = config, Out = set["a"], Bootstrap = null }, lines.Add);
        set.Run(set.With(f => f with { MaxSteps = 4 }), "b");
        Assert.Equal(5, lines.Count(l => l.Contains("adaptation to the training rows", StringComparison.Ordinal)));
        Assert.Contains("seed 42, adaptation to the training rows, step 10 of 10", string.Join('\n', lines), StringComparison.Ordinal);
        Assert.NotEqual(File.ReadAllBytes(set["a/checkpoints/seed-42/model.safetensors"]), File.ReadAllBytes(set["b/checkpoints/seed-42/model.safetensors"]));
    }

    [Fact]
    public void LanguageWeight_AddsTheLossOfTheBases()
    {
        using var set = new TinySet();
        double First(double weight, double rate = 0.2)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"w{weight}-{rate}");
            set.Run(set.With(f => f with { MaskRate = rate, LanguageWeight = weight, MaxSteps = 1 }), name);
            return MetricsReader.Read(set[name + "/seed-42/metrics.jsonl"])[0].Values["train/loss"];
        }

        double labels = First(0), half = First(0.5), whole = First(1);
        // A fresh model gives every token of 16 the same chance; the number of hidden bases is the expected one up to chance.
        Assert.InRange(whole - labels, 0.6 * Math.Log(16), 1.4 * Math.Log(16));
        Assert.Equal((whole - labels) / 2, half - labels, 1e-5);
    }

    [Fact]
    public void LanguageWeight_InParts_GivesTheStepsOfTheWhole()
    {
        using var set = new TinySet();
        set.Run(set.With(f => f with { LanguageWeight = 0.5, MaskRate = 0.2, MaxSteps = 3, RcAugment = false }), "whole");
        set.Run(set.With(f => f with { LanguageWeight = 0.5, MaskRate = 0.2, MaxSteps = 3, RcAugment = false, MicroBatchSize = 16 }), "one");
        TinyRun.AssertSame(MetricsReader.Read(set["whole/seed-42/metrics.jsonl"]), MetricsReader.Read(set["one/seed-42/metrics.jsonl"]));
    }

    [Fact]
    public void LanguageWeight_WithoutHiddenBases_IsRefusedForModelsThatSeeBothSides()
    {
        using var set = new TinySet();
        var e = Assert.Throws<ConfigException>(() => set.Run(set.With(f => f with { LanguageWeight = 0.5 }), "run"));
        Assert.Contains("learns from hidden ones, and none is hidden", e.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(set["run"]));
        // A causal one predicts the next base.
        ModelConfig causal = set.Config.Model with { Bidirectional = false };
        Assert.NotNull(set.Run(set.With(f => f with { LanguageWeight = 0.5, MaxSteps = 1 }, causal), "causal").Seeds[0].Test);
    }

    [Theory]
    [InlineData("adapt_steps: must be 0 or positive, not -1")]
    [InlineData("adapt_steps: changes all weights")]
    [InlineData("adapt_learning_rate: must be 0 or positive")]
    [InlineData("adapt_learning_rate: there are no such steps")]
    [InlineData("language_weight: must be 0 or positive")]
    [InlineData("language_weight: the mode probe")]
    public void Validate_SettingsThatMakeNoSense_AreNamed(string problem)
    {
        FineTuningConfig[] all =
        [
            new() { AdaptSteps = -1 }, new() { AdaptSteps = 5, Mode = TuningMode.Lora }, new() { AdaptSteps = 5, AdaptLearningRate = double.NaN },
            new() { AdaptLearningRate = 0.1 }, new() { LanguageWeight = -0.5 }, new() { LanguageWeight = 0.5, Mode = TuningMode.Probe },
        ];
        Assert.Single(all, c => c.Validate().Any(p => p.StartsWith(problem, StringComparison.Ordinal)));
    }

    private static List<double> Adapt(TaskModel model, LabelledSet set, FineTuningConfig config)
    {
        var bits = new List<double>();
        RowAdaptation.Run(config, set, model, 1, l => bits.Add(double.Parse(Bits().Match(l).Groups[1].Value, CultureInfo.InvariantCulture)), default);
        return bits;
    }

    private static TaskModel Build(bool bidirectional, bool equivariant)
    {
        manual_seed(5);
        var config = new ModelConfig { DModel = 16, NLayer = 2, Bidirectional = bidirectional, RcEquivariant = equivariant, Mamba = new MambaConfig { DState = 4 } };
        var head = new HeadConfig { Outputs = 2 };
        return new TaskModel(ModelFile.Create(config), new TaskHead(head, config.DModel), new TaskDescription { Head = head });
    }

    [GeneratedRegex("([0-9.]+) bits a base")]
    private static partial Regex Bits();
}
