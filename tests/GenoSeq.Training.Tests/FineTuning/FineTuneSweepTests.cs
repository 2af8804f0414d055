using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.FineTuning;

[Collection(EngineCollection.Name)]
public sealed class FineTuneSweepTests
{
    private static readonly SweepAxis[] s_axes = [SweepAxis.Parse("finetune.learning_rate=1e-9,0.02"), SweepAxis.Parse("finetune.batch_size=16")];

    [Fact]
    public void Run_TestLabelsTurnedAround_ChoosesTheSame()
    {
        // With these labels of the test part the candidate that learns most is the worst of all there.
        using var set = new TinySet();
        using var turned = new TinySet(TinySet.Csv(64, 20, 20, i => $"{(i < 84 ? i : i + 1) % 2}"));
        FineTuneResult result = Sweep(set);
        FineTuneResult other = Sweep(turned);
        Assert.Equal(File.ReadAllText(set["run/sweep/candidates.tsv"]), File.ReadAllText(turned["run/sweep/candidates.tsv"]));
        Assert.True(result.Summary["mcc"].Mean > 0.3 && other.Summary["mcc"].Mean < -0.3, $"{result.Summary["mcc"].Mean}, {other.Summary["mcc"].Mean}");
        string[][] table = [.. File.ReadAllLines(set["run/sweep/candidates.tsv"]).Select(l => l.Split('\t'))];
        Assert.Equal(["chosen", "finetune.learning_rate", "finetune.batch_size", "validation_mcc", "validation_loss", "best_step", "note"], table[0]);
        Assert.Equal(["1e-9 16", "0.02 16"], table.Skip(1).Select(r => $"{r[1]} {r[2]}"));
        string[] chosen = Assert.Single(table, r => r[0] == "yes");
        Assert.Equal("0.02", chosen[1]);
        Assert.Contains("learning_rate: 0.02", File.ReadAllText(set["run/config.yaml"]), StringComparison.Ordinal);
        Assert.Equal(2, result.Seeds.Count);
        foreach (string candidate in Directory.GetDirectories(set["run/sweep"]))
        {
            Assert.False(File.Exists(Path.Combine(candidate, "seed-42", "predictions_test.tsv")));
            Assert.Null(JsonNode.Parse(File.ReadAllText(Path.Combine(candidate, "seed-42", "summary.json")))!["test"]);
        }
    }

    [Fact]
    public void Run_CandidateThatTheModelRefuses_IsRefusedBeforeAnyRuns()
    {
        using var set = new TinySet();
        SweepAxis[] axes = [SweepAxis.Parse("finetune.mask_rate=0.2,0")];
        var e = Assert.Throws<ConfigException>(() => FineTuneSweep.Run(new FineTuneRequest { Config = set.Config, Out = set["run"], Bootstrap = null }, axes,
            o => set.With(f => f with { LanguageWeight = 0.5, MaskRate = o.Contains("finetune.mask_rate=0.2") ? 0.2 : 0 }), 0, _ => { }));
        Assert.Contains("none is hidden", e.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(set["run"]));
    }

    [Fact]
    public void Run_AgainInItsFolder_RepeatsNoCandidate()
    {
        using var set = new TinySet();
        SweepAxis axis = SweepAxis.Parse("finetune.batch_size=32,64");
        Sweep(set, axis);
        string[] summaries = [.. Directory.GetFiles(set["run"], "summary.json", SearchOption.AllDirectories).Where(f => f.Contains("seed-", StringComparison.Ordinal))];
        Assert.Equal(4, summaries.Length);
        DateTime[] before = Array.ConvertAll(summaries, File.GetLastWriteTimeUtc);
        Directory.Delete(set["run/seed-43"], recursive: true);
        FineTuneResult again = Sweep(set, axis);
        Assert.Equal(2, again.Seeds.Count);
        Assert.Equal(before.Where((_, i) => !summaries[i].Contains("seed-43", StringComparison.Ordinal)),
            summaries.Where(f => !f.Contains("seed-43", StringComparison.Ordinal)).Select(File.GetLastWriteTimeUtc));
    }

    [Fact]
    public void Run_ByFolds_JudgesEveryRowButTheTestAndRunsOnTheSetsOwnParts()
    {
        using var set = new TinySet();
        Sweep(set, 3);
        string[] candidates = Directory.GetDirectories(set["run/sweep"]);
        Assert.Equal(2, candidates.Length);
        foreach (string candidate in candidates)
        {
            string[] folds = [.. Directory.GetDirectories(candidate).Order()];
            Assert.Equal(["fold-1-of-3", "fold-2-of-3", "fold-3-of-3"], folds.Select(Path.GetFileName));
            // 64 training and 20 validation rows: 28 in each fold.
            Assert.All(folds, f => Assert.Equal(29, File.ReadAllLines(Path.Combine(f, "seed-42", "predictions_validation.tsv")).Length));
            Assert.Equal(3, folds.Select(f => File.ReadAllText(Path.Combine(f, "seed-42", "predictions_validation.tsv"))).Distinct().Count());
            Assert.All(folds, f => Assert.False(File.Exists(Path.Combine(f, "seed-42", "predictions_test.tsv"))));
        }

        string[][] table = [.. File.ReadAllLines(set["run/sweep/candidates.tsv"]).Select(l => l.Split('\t'))];
        string[] chosen = Assert.Single(table, r => r[0] == "yes");
        double[] values = [.. Directory.GetFiles(Directory.GetDirectories(set["run/sweep"]).Single(d => d.Contains("=0.02", StringComparison.Ordinal)), "summary.json", SearchOption.AllDirectories)
            .Where(f => f.Contains("seed-42", StringComparison.Ordinal)).Select(f => (double)JsonNode.Parse(File.ReadAllText(f))!["selected_value"]!)];
        Assert.Equal(("0.02", ""), (chosen[1], chosen[5]));
        Assert.Equal(values.Average(), double.Parse(chosen[3]), 1e-12);
        Assert.Equal(21, File.ReadAllLines(set["run/seed-42/predictions_validation.tsv"]).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => Sweep(set, 1));
    }

    [Fact]
    public void Combine_Axes_GivesEveryCombination() => Assert.Equal(["a=1 b=x", "a=1 b=y", "a=2 b=x", "a=2 b=y"],
        SweepAxis.Combine([SweepAxis.Parse("a=1,2"), SweepAxis.Parse("b=x, y")]).Select(s => string.Join(' ', s)));

    [Theory]
    [InlineData("finetune.learning_rate")]
    [InlineData("finetune.learning_rate=")]
    [InlineData("finetune.learning_rate=1,,2")]
    [InlineData("finetune.learning_rate=1,1")]
    [InlineData("data.path=a,b")]
    [InlineData("seed=1,2")]
    [InlineData("finetune.split_seed=1,2")]
    public void Parse_WhatIsNoAxis_IsRefused(string text) => Assert.Throws<ConfigException>(() => SweepAxis.Parse(text));

    [Fact]
    public void Run_ImpossibleCandidate_IsRefusedBeforeTheFirstRuns()
    {
        using var set = new TinySet();
        Assert.Throws<ConfigException>(() => Sweep(set, SweepAxis.Parse("finetune.learning_rate=0.02,-1")));
        Assert.False(Directory.Exists(set["run"]));
    }

    private static FineTuneResult Sweep(TinySet set, params SweepAxis[] axes) => Sweep(set, 0, axes);

    private static FineTuneResult Sweep(TinySet set, int folds, params SweepAxis[] axes)
    {
        FineTuneConfig config = set.With(f => f with { Epochs = 4, MinLearningRate = 0 }) with { Seeds = 2 };
        ConfigTree tree = ConfigTree.FromNode(ConfigWriter.ToNode(config, FineTuneConfigJson.Default.FineTuneConfig), "test");
        return FineTuneSweep.Run(new FineTuneRequest { Config = config, Out = set["run"], Bootstrap = null }, axes.Length > 0 ? axes : s_axes,
            settings => ConfigBinder.Bind(tree.WithOverrides(settings), FineTuneConfigJson.Default.FineTuneConfig), folds, _ => { });
    }
}
