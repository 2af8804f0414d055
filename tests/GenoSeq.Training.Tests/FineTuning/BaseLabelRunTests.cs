using System.Globalization;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.FineTuning;

/// <summary>Labels of bases, from the table to predictions.</summary>
[Collection(EngineCollection.Name)]
public sealed class BaseLabelRunTests
{
    private static readonly ModelConfig s_ph = new() { DModel = 8, NLayer = 1, Bidirectional = true, Mamba = new MambaConfig { DState = 4 } };

    public static TheoryData<string, ModelConfig, TooLong> Models() => new()
    {
        { "causal", s_ph with { Bidirectional = false }, TooLong.Error },
        { "ph", s_ph, TooLong.Error },
        { "ps", s_ph with { RcEquivariant = true }, TooLong.Error },
        { "windows", s_ph, TooLong.Window },
    };

    /// <summary>The class of a base is whether it is A or T: the same on both strands, and there for every model to learn.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Run_ClassOfABase_IsLearnt(string name, ModelConfig model, TooLong tooLong)
    {
        using var set = new TinySet(Csv(b => b is 'A' or 'T' ? '1' : '0'));
        FineTuneConfig config = set.With(f => f with { Epochs = 6, TooLong = tooLong, MaxLength = tooLong == TooLong.Window ? 16 : 0 }, model);
        FineTuneResult result = set.Run(PerBase(config), "run");
        Assert.True(result.Summary["mcc"].Mean > 0.9, $"{name}: {result.Summary["mcc"].Mean}");
        Assert.Equal("per_base", result.Seeds[0].Test!.Task);
        Assert.Equal(["f1", "mcc", "auroc", "auprc"], result.Seeds[0].Test!.Parts!["1"].Keys);
        // Every base of the test part that has a label is judged, once.
        int labelled = File.ReadAllLines(set["set.csv"]).Skip(1).Where(l => l.EndsWith("test", StringComparison.Ordinal)).Sum(l => l.Split(',')[1].Count(c => c != '.'));
        Assert.Equal(labelled, result.Seeds[0].Test!.Examples);
    }

    /// <summary>Labels that tell the strands apart must follow the bases when a row is read from the other end.</summary>
    [Fact]
    public void Run_PlaceOfARow_IsLearntFromBothEnds()
    {
        // The base before an A has the class: of the other strand that is the one behind a T.
        using var set = new TinySet(Csv((row, i) => i + 1 < row.Length && row[i + 1] == 'A' ? '1' : '0'));
        FineTuneResult result = set.Run(PerBase(set.With(f => f with { Epochs = 8, RcAugment = false, RcAverage = false }, s_ph)), "run");
        Assert.True(result.Summary["mcc"].Mean > 0.6, $"{result.Summary["mcc"].Mean}");
        using LabelledSet open = LabelledSets.Open(set["set.csv"], PerBase(set.Config).Data.Options(null));
        var example = new Example(0, 2, 9);
        int[] classes = new int[9];
        open.CopyBaseClasses(0, 2, classes);
        long[] Targets(bool reverse) => BaseTargets.Of(open, [example], [reverse], 12, _ => 1, 1, Torch.torch.CPU).Targets.ToArray<long>();
        float[] Shares(bool reverse) => BaseTargets.Of(open, [example], [reverse], 12, _ => 1, 1, Torch.torch.CPU).Shares.ToArray<float>();
        Assert.Equal([.. classes.Select(c => (long)Math.Max(c, 0)), 0, 0, 0], Targets(false));
        Assert.Equal([.. classes.Reverse().Select(c => (long)Math.Max(c, 0)), 0, 0, 0], Targets(true));
        Assert.Equal([.. classes.Reverse().Select(c => c < 0 ? 0f : 1f), 0, 0, 0], Shares(true));
    }

    [Fact]
    public void Predict_Bases_HasALineForEach()
    {
        using var set = new TinySet(Csv(b => b is 'A' or 'T' ? 'x' : 'o'));
        set.Run(PerBase(set.With(f => f with { Epochs = 1, ClassWeights = ClassWeights.Balanced }, s_ph)), "run");
        string[] run = File.ReadAllLines(set["run/seed-42/predictions_test.tsv"]);
        Assert.Equal("id\tposition\tbase\tlabel\tprediction\tp(o)\tp(x)", run[0]);
        string[] test = [.. File.ReadAllLines(set["set.csv"]).Where(l => l.EndsWith("test", StringComparison.Ordinal)).Select(l => l.Split(',')[0])];
        File.WriteAllText(set["new.fa"], string.Concat(test.Select((s, i) => $">s{i}\n{s}\n")));
        Assert.Equal(20, PredictRun.Run(set["run"], new LabelledDataConfig { Path = set["new.fa"] }, "cpu", 3, set["out.tsv"]));
        string[][] lines = [.. File.ReadAllLines(set["out.tsv"]).Skip(1).Select(l => l.Split('\t'))];
        Assert.Equal(string.Concat(test), string.Concat(lines.Select(l => l[2])));
        Assert.Equal(test.SelectMany(s => Enumerable.Range(0, s.Length)), lines.Select(l => int.Parse(l[1], CultureInfo.InvariantCulture)));
        // The same numbers as in the run but for the batch's rounding.
        Assert.All(lines.Zip(run.Skip(1)), p => Assert.Equal(double.Parse(p.Second.Split('\t')[^1], CultureInfo.InvariantCulture), double.Parse(p.First[^1], CultureInfo.InvariantCulture), 1e-5));
    }

    [Fact]
    public void Run_SettingsWithoutMeaning_AreRefused()
    {
        using var set = new TinySet(Csv(b => b == 'A' ? '1' : '0'));
        Assert.Throws<ConfigException>(() => set.Run(PerBase(set.With(f => f with { Pooling = Pooling.Max })), "run"));
        set.Run(PerBase(set.With(f => f with { MaxSteps = 1 })), "first");
        Assert.Throws<ConfigException>(() => set.Run(PerBase(set.With(f => f with { Mode = TuningMode.Probe })) with { Checkpoint = set["first"] }, "run"));
        Assert.False(Directory.Exists(set["run"]));
    }

    private static FineTuneConfig PerBase(FineTuneConfig config) => config with { Data = config.Data with { Labels = LabelType.PerBase } };

    private static string Csv(Func<char, char> label) => Csv((row, i) => label(row[i]));

    private static string Csv(Func<string, int, char> label)
    {
        var random = new Random(5);
        var text = new StringBuilder("sequence,labels,split\n");
        for (int i = 0; i < 104; i++)
        {
            string row = string.Concat(Enumerable.Range(0, 20 + random.Next(20)).Select(_ => "ACGT"[random.Next(4)]));
            string labels = string.Concat(row.Select((_, k) => k == 3 ? '.' : label(row, k)));
            text.Append(CultureInfo.InvariantCulture, $"{row},{labels},{(i < 64 ? "train" : i < 84 ? "dev" : "test")}\n");
        }

        return text.ToString();
    }
}
