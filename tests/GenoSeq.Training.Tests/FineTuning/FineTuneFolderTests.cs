using System.Text.Json.Nodes;
using GenoSeq.Models;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.FineTuning;

/// <summary>What a run leaves in its folder besides numbers of the whole split.</summary>
[Collection(EngineCollection.Name)]
public sealed class FineTuneFolderTests
{
    private static readonly string[] s_plots = ["learning.svg", "learning_metric.svg", "confusion.svg", "roc.svg", "pr.svg", "calibration.svg"];

    [Fact]
    public void Run_Classes_LeavesPlotsAndBatchAverages()
    {
        using var set = new TinySet();
        set.Run(set.With(f => f with { Epochs = 1, UpstreamBatchSize = 7 }), "run");
        Assert.All(s_plots, p => Assert.StartsWith("<svg", File.ReadAllText(set[$"run/seed-42/{p}"]), StringComparison.Ordinal));
        Assert.Contains("test", File.ReadAllText(set["run/seed-42/roc.svg"]), StringComparison.Ordinal);
        JsonNode seed = JsonNode.Parse(File.ReadAllText(set["run/seed-42/summary.json"]))!;
        double average = seed["test"]!["metrics"]!["mcc"]!["batch_averaged"]!.GetValue<double>();
        JsonNode run = JsonNode.Parse(File.ReadAllText(set["run/summary.json"]))!;
        Assert.Equal(average, run["batch_averaged"]!["mcc"]!["mean"]!.GetValue<double>(), 1e-12);
        // The same as of the recorded predictions: three batches, the last of six rows.
        double accuracy = File.ReadAllLines(set["run/seed-42/predictions_test.tsv"]).Skip(1).Select(l => l.Split('\t')).Average(f => f[1] == f[2] ? 1.0 : 0.0);
        Assert.Equal(accuracy, run["batch_averaged"]!["accuracy"]!["mean"]!.GetValue<double>(), 1e-12);
    }

    [Fact]
    public void Run_Numbers_LeavesLearningCurves()
    {
        using var set = new TinySet(TinySet.Csv(32, 20, 0, i => i % 2 == 1 ? "1.5" : "2.25"));
        set.Run(set.With(f => f with { Epochs = 1 }), "run");
        Assert.All(s_plots[..2], p => Assert.True(File.Exists(set[$"run/seed-42/{p}"])));
        Assert.False(File.Exists(set["run/seed-42/roc.svg"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Run_SequencesOfTrainingInTest_AreToldAndLeftOutIfAsked(bool drop)
    {
        string csv = TinySet.Csv(64, 20, 20);
        string[] rows = csv.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string copied = rows[1].Replace(",train", ",test", StringComparison.Ordinal);
        string complemented = new string([.. rows[2].Split(',')[0].Reverse().Select(b => "TGCA"["ACGT".IndexOf(b)])]) + "," + rows[2].Split(',')[1] + ",test";
        using var set = new TinySet($"{csv}{copied}\n{complemented}\n");
        FineTuneConfig config = set.With(f => f with { Epochs = 1, MaxSteps = 1 });
        var said = new List<string>();
        FineTuneRun.Run(new FineTuneRequest { Config = config with { Data = config.Data with { DropLeaks = drop } }, Out = set["run"], Bootstrap = null }, said.Add);
        JsonNode leaks = JsonNode.Parse(File.ReadAllText(set["run/data_manifest.json"]))!;
        Assert.Equal(drop ? 62 : 64, leaks["parts"]!["training"]!["rows"]!.GetValue<int>());
        Assert.Equal(1, leaks["leaks"]!["training_test"]!["equal"]!.GetValue<int>());
        Assert.Equal(2, leaks["leaks"]!["training_test"]!["with_reverse_complements"]!.GetValue<int>());
        Assert.Equal(drop ? 2 : 0, leaks["leaks"]!["dropped"]!.GetValue<int>());
        Assert.Contains(said, s => s.Contains(drop ? "2 training rows with these sequences are left out" : "data.drop_leaks=true", StringComparison.Ordinal));
    }

    /// <summary>The names that CaduceusForSequenceClassification gives: every tensor of it, and the keys that its users read.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_CaduceusWithLinearHead_LeavesASequenceClassifier(bool equivariant)
    {
        using var set = new TinySet();
        var model = new ModelConfig { DModel = 8, NLayer = 1, Bidirectional = true, RcEquivariant = equivariant, Mamba = new MambaConfig { DState = 4 } };
        set.Run(set.With(f => f with { MaxSteps = 1, HeadBias = false }, model), "run");
        string folder = set["run/checkpoints/seed-42"];
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        Assert.Equal("CaduceusForSequenceClassification", config["architectures"]![0]!.GetValue<string>());
        Assert.Equal("1", config["id2label"]!["1"]!.GetValue<string>());
        Assert.Equal(1, config["label2id"]!["1"]!.GetValue<int>());
        Assert.Equal("single_label_classification", config["problem_type"]!.GetValue<string>());
        using (SafetensorsCheckpoint file = SafetensorsCheckpoint.Open(folder + "/model.safetensors"))
        {
            Assert.Equal([2, 8], file["score.weight"].Shape);
            Assert.Equal(["caduceus", "lm_head", "score"], file.Entries.Select(e => e.Name.Split('.')[0]).Append("lm_head").Distinct().Order(StringComparer.Ordinal));
            Assert.DoesNotContain(file.Entries, e => e.Name is "score.bias" or "lm_head.weight");
        }

        // It is a model as before: to fine-tune further, and to predict with.
        using (SequenceModel again = ModelFile.Load(folder))
        {
            Assert.Equal(equivariant, again.Config.RcEquivariant);
        }

        Assert.Equal(104, PredictRun.Run(folder, new LabelledDataConfig { Path = set["set.csv"] }, "cpu", 32, set["out.tsv"]));
        set.Run(set.With(f => f with { MaxSteps = 1, Mode = TuningMode.Probe }) with { Checkpoint = set["run"] }, "again");
    }

    [Fact]
    public void Predict_OfARun_TakesTheSeedThatValidationLikesBest()
    {
        using var set = new TinySet();
        set.Run(set.Config with { Seeds = 3, Finetune = set.Config.Finetune with { Epochs = 1 } }, "run");
        double[] values = [.. new[] { 42, 43, 44 }.Select(s => JsonNode.Parse(File.ReadAllText(set[$"run/seed-{s}/summary.json"]))!["selected_value"]!.GetValue<double>())];
        var said = new List<string>();
        PredictRun.Run(set["run"], new LabelledDataConfig { Path = set["set.csv"] }, "cpu", 32, set["all.tsv"], say: said.Add);
        string told = Assert.Single(said);
        int seed = int.Parse(told.Split(' ', ',')[1]);
        Assert.Equal(values.Max(), values[seed - 42]);
        PredictRun.Run(set[$"run/checkpoints/seed-{seed}"], new LabelledDataConfig { Path = set["set.csv"] }, "cpu", 32, set["one.tsv"]);
        Assert.Equal(File.ReadAllText(set["one.tsv"]), File.ReadAllText(set["all.tsv"]));
        PredictRun.Run(set["run"], new LabelledDataConfig { Path = set["set.csv"] }, "cpu", 32, set["all.parquet"]);
        Assert.Equal("PAR1"u8.ToArray(), File.ReadAllBytes(set["all.parquet"])[..4]);
        PredictRun.Run(set["run"], new LabelledDataConfig { Path = set["set.csv"] }, "cpu", 32, set["named"], format: TableFormat.Parquet);
        Assert.Equal("PAR1"u8.ToArray(), File.ReadAllBytes(set["named"])[..4]);
    }
}
