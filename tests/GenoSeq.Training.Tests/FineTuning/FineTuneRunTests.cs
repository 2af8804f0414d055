using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Runs;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.FineTuning;

[Collection(EngineCollection.Name)]
public sealed class FineTuneRunTests
{
    [Fact]
    public void Run_Twice_GivesTheSameNumbersToTheLastDigit()
    {
        using var set = new TinySet();
        FineTuneResult a = set.Run(set.Config, "a");
        FineTuneResult b = set.Run(set.Config, "b");
        foreach (string file in (string[])["seed-42/predictions_test.tsv", "checkpoints/seed-42/model.safetensors", "checkpoints/seed-42/head.safetensors"])
        {
            Assert.Equal(File.ReadAllBytes(set["a/" + file]), File.ReadAllBytes(set["b/" + file]));
        }

        TinyRun.AssertSame(MetricsReader.Read(set["a/seed-42/metrics.jsonl"]), MetricsReader.Read(set["b/seed-42/metrics.jsonl"]));
        Assert.Equal(a.Seeds[0].Test!.ToJson(), b.Seeds[0].Test!.ToJson());
    }

    [Fact]
    public void Run_OnSeparableClasses_LearnsThem()
    {
        using var set = new TinySet();
        FineTuneResult result = set.Run(set.With(f => f with { Epochs = 8 }), "run");
        Assert.True(result.Summary["mcc"].Mean > 0.8, $"mcc {result.Summary["mcc"].Mean}");
    }

    public static TheoryData<string, FineTuningConfig> Modes() => new()
    {
        { "full", new() { Mode = TuningMode.Full, LayerDecay = 0.8, HeadLearningRate = 0.05 } },
        { "unfrozen by and by", new() { Mode = TuningMode.Full, UnfreezeEvery = 1 } },
        { "probe", new() { Mode = TuningMode.Probe } },
        { "mlp probe", new() { Mode = TuningMode.Probe, Head = HeadKind.Mlp, HeadHidden = 6, Pooling = Pooling.Max } },
        { "lora", new() { Mode = TuningMode.Lora, LoraRank = 2, Pooling = Pooling.Attention } },
    };

    [Theory]
    [MemberData(nameof(Modes))]
    public void Run_FromCheckpoint_ChangesWhatItsModeTrainsAlone(string name, FineTuningConfig mode)
    {
        using var set = new TinySet();
        set.Run(set.Config, "first");
        string start = set["first/checkpoints/seed-42"];
        FineTuneResult result = set.Run(set.Config with
        {
            Checkpoint = start,
            Finetune = mode with { Epochs = 2, BatchSize = 16, LearningRate = 0.02, MinLearningRate = 0.01 },
        }, "second");
        Assert.NotNull(result.Seeds[0].Test);
        using SequenceModel before = ModelFile.Load(start), after = ModelFile.Load(set["second/checkpoints/seed-42"]);
        string[] changed =
        [
            .. before.named_parameters().Zip(after.named_parameters())
                .Where(p => !p.First.parameter.ToArray<float>().SequenceEqual(p.Second.parameter.ToArray<float>())).Select(p => p.First.name),
        ];
        switch (mode.Mode)
        {
            case TuningMode.Probe:
                Assert.Empty(changed);
                break;
            case TuningMode.Lora:
                Assert.NotEmpty(changed);
                Assert.All(changed, p => Assert.Contains("_proj.weight", p, StringComparison.Ordinal));
                break;
            default:
                Assert.True(changed.Length > 5, name);
                break;
        }
    }

    [Fact]
    public void Run_AgainInItsFolder_RepeatsNoFinishedSeed()
    {
        using var set = new TinySet();
        FineTuneConfig two = set.Config with { Seeds = 2 };
        FineTuneResult first = set.Run(two, "run");
        Directory.Delete(set["run/seed-43"], recursive: true);
        DateTime before = File.GetLastWriteTimeUtc(set["run/seed-42/summary.json"]);
        FineTuneResult second = set.Run(two, "run");
        Assert.Equal(before, File.GetLastWriteTimeUtc(set["run/seed-42/summary.json"]));
        Assert.Equal(first.Summary["mcc"], second.Summary["mcc"]);
        Assert.Equal(2, second.Summary["mcc"].Runs);
        Assert.Throws<RunFolderException>(() => set.Run(two with { Seeds = 3 }, "run"));
        // An older program's file lacks what it had not learnt.
        string file = set["run/config.yaml"];
        File.WriteAllLines(file, File.ReadAllLines(file).Where(l => !l.Contains("language_weight", StringComparison.Ordinal)));
        Assert.Equal(2, set.Run(two, "run").Seeds.Count);
    }

    [Fact]
    public void Predict_OnTheTestRows_GivesThePredictionsOfTheRun()
    {
        using var set = new TinySet();
        set.Run(set.Config, "run");
        string[] run = File.ReadAllLines(set["run/seed-42/predictions_test.tsv"]);
        string[] rows = [.. File.ReadAllLines(set["set.csv"]).Where(l => l.EndsWith("test", StringComparison.Ordinal))];
        File.WriteAllText(set["new.fa"], string.Concat(rows.Select((l, i) => $">s{i}\n{l.Split(',')[0]}\n")));
        int count = PredictRun.Run(set["run/checkpoints/seed-42"], new LabelledDataConfig { Path = set["new.fa"] }, "cpu", 7, set["out.tsv"]);
        string[] predicted = File.ReadAllLines(set["out.tsv"]);
        Assert.Equal(20, count);
        Assert.Equal("id\tprediction\tp(0)\tp(1)", predicted[0]);
        for (int i = 1; i <= 20; i++)
        {
            Assert.StartsWith($"s{i - 1}\t", predicted[i], StringComparison.Ordinal);
            Assert.Equal(double.Parse(run[i].Split('\t')[^1]), double.Parse(predicted[i].Split('\t')[^1]), 1e-5);
        }
    }

    [Fact]
    public void Run_Numbers_PredictsInTheirUnits()
    {
        using var set = new TinySet(TinySet.Csv(64, 20, 20, i => (i % 2 == 1 ? 100.5 : 200.25).ToString(System.Globalization.CultureInfo.InvariantCulture)));
        FineTuneResult result = set.Run(set.With(f => f with { Epochs = 8 }), "run");
        Assert.True(result.Summary["pearson"].Mean > 0.7, $"pearson {result.Summary["pearson"].Mean}");
        Assert.True(result.Summary["mse"].Mean < 2000, $"mse {result.Summary["mse"].Mean}");
        Assert.StartsWith("id\tlabel\tpredicted(label)\n", File.ReadAllText(set["run/seed-42/predictions_test.tsv"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_SeveralLabels_JudgesEach()
    {
        using var set = new TinySet(TinySet.Csv(64, 20, 20, i => i % 2 == 1 ? "a;both" : i % 4 == 0 ? "both" : "c"));
        FineTuneConfig config = set.Config;
        FineTuneResult result = set.Run(config with { Data = config.Data with { LabelSeparator = ";" } }, "run");
        Assert.Equal(["a", "both", "c"], result.Seeds[0].Test!.Parts!.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("every row of the train part has the class", "1")]
    [InlineData("label", "")]
    public void Run_SetThatCannotBeLearnt_IsRefusedWithoutAFolder(string what, string label)
    {
        using var set = new TinySet(TinySet.Csv(64, 20, 20, _ => label));
        InputDataException error = Assert.Throws<InputDataException>(() => set.Run(set.Config, "run"));
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(set["run"]));
    }

    public static TheoryData<string, string, LabelledDataConfig> BadSets()
    {
        string good = TinySet.Csv(64, 20, 20);
        return new()
        {
            { "sequence is empty", good + ",1,train\n", new() },
            { "every row of the test part has the class '1'", TinySet.Csv(64, 20, 20, i => i < 84 ? $"{i % 2}" : "1"), new() },
            { "'x' is no finite number", TinySet.Csv(64, 20, 20, i => i == 50 ? "x" : $"{i}.5"), new() { Labels = LabelType.Number } },
            { "'2' is none of the 2 classes", TinySet.Csv(64, 20, 20, i => i == 90 ? "2" : $"{i % 2}"), new() { Classes = ["0", "1"] } },
            { "the same in all training rows", TinySet.Csv(64, 20, 20, i => i < 64 ? $"{i}.5,1" : $"{i}.5,{i}", "sequence,a,b,split"), new() { Labels = LabelType.Number, LabelColumns = ["a", "b"] } },
        };
    }

    [Theory]
    [MemberData(nameof(BadSets))]
    public void Run_BadSet_IsRefusedWithoutAFolder(string what, string csv, LabelledDataConfig data)
    {
        using var set = new TinySet(csv);
        InputDataException error = Assert.Throws<InputDataException>(() => set.Run(set.Config with { Data = data with { Path = set["set.csv"] } }, "run"));
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.False(string.IsNullOrEmpty(error.Where));
        Assert.False(Directory.Exists(set["run"]));
    }

    [Fact]
    public void Run_TestClassThatTrainingLacks_IsRefused()
    {
        using var set = new TinySet(TinySet.Csv(64, 20, 20, i => i > 90 && i % 3 == 0 ? "new" : $"{i % 2}"));
        Assert.Contains("missing in the training part", Assert.Throws<InputDataException>(() => set.Run(set.Config, "run")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_SequencesBeyondMaxLength_AreRefusedTruncatedOrCut()
    {
        using var set = new TinySet();
        InputDataException error = Assert.Throws<InputDataException>(() => set.Run(set.With(f => f with { MaxLength = 24 }), "error"));
        Assert.Contains("at most 24", error.Expected, StringComparison.Ordinal);
        Assert.False(Directory.Exists(set["error"]));
        foreach (TooLong way in (TooLong[])[TooLong.Truncate, TooLong.Window])
        {
            FineTuneResult result = set.Run(set.With(f => f with { MaxLength = 24, TooLong = way, Epochs = 1 }), way.ToString());
            Assert.Equal(20, result.Seeds[0].Test!.Examples);
        }
    }

    [Fact]
    public void Run_UnknownMetricOfSelection_NamesTheKnown()
    {
        using var set = new TinySet();
        ConfigException error = Assert.Throws<ConfigException>(() => set.Run(set.With(f => f with { SelectBy = "pearson" }), "run"));
        Assert.Contains("mcc", error.Message, StringComparison.Ordinal);
    }
}
