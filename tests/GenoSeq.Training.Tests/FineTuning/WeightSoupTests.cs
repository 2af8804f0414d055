using System.Text.Json.Nodes;
using GenoSeq.Torch;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Runs;
using GenoSeq.Training.Tests.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.FineTuning;

[Collection(EngineCollection.Name)]
public sealed class WeightSoupTests
{
    [Fact]
    public void Blend_WithSharesOfOneOverN_IsTheMean()
    {
        using DisposeScope scope = NewDisposeScope();
        var a = new nn.Parameter(zeros([3]));
        using var mean = new WeightCopy([a]);
        for (int n = 1; n <= 5; n++)
        {
            Fill(n * n);
            mean.Blend(1.0 / n);
        }

        mean.Restore();
        Assert.All(a.ToArray<float>(), v => Assert.Equal((1 + 4 + 9 + 16 + 25) / 5.0, v, 1e-5));
        Fill(7);
        mean.Blend(1);
        Fill(0);
        mean.Restore();
        Assert.All(a.ToArray<float>(), v => Assert.Equal(7, v));

        void Fill(double value)
        {
            using IDisposable mode = no_grad();
            a.fill_(value);
        }
    }

    [Theory]
    [InlineData(TuningMode.Full)]
    [InlineData(TuningMode.Lora)]
    public void Run_WithASoup_BeginsAsOneRunAndKeepsTheMean(TuningMode mode)
    {
        using var set = new TinySet();
        set.Run(set.Config, "start");
        FineTuneConfig With(int soup) => set.With(f => f with { Mode = mode, Soup = soup, Epochs = 3, LearningRate = 1e-4, MinLearningRate = 0, SelectBy = "loss" }) with { Checkpoint = set["start"] };

        set.Run(With(1), "one");
        set.Run(With(3), "three");
        set.Run(With(3), "again");
        IReadOnlyList<MetricsLine> one = MetricsReader.Read(set["one/seed-42/metrics.jsonl"]), three = MetricsReader.Read(set["three/seed-42/metrics.jsonl"]);
        // The first member is the run without a soup; the others are others, and the steps go on.
        Assert.Equal(3 * one.Count, three.Count);
        Assert.Equal(Losses(one), Losses(three.Take(one.Count)));
        Assert.NotEqual(Losses(one), Losses(three.Skip(one.Count).Take(one.Count)));
        Assert.Equal(three.Select(l => l.Step).Order(), three.Select(l => l.Step));
        Assert.Equal(3 * one[^1].Step, three[^1].Step);
        Assert.Equal(three.Select(l => l.WallSeconds).Order(), three.Select(l => l.WallSeconds));
        Assert.Equal(three.Select(l => l.Tokens).Order(), three.Select(l => l.Tokens));

        JsonNode summary = JsonNode.Parse(File.ReadAllText(set["three/seed-42/summary.json"]))!;
        double[] members = [.. summary["soup"]!["members"]!.AsArray().Select(v => (double)v!)];
        Assert.Equal(3, members.Distinct().Count());
        Assert.True((bool)summary["soup"]!["taken"]!);
        Assert.Equal((double)summary["soup"]!["mean"]!, (double)summary["validation_loss"]!, 1e-12);
        Assert.DoesNotContain((double)summary["validation_loss"]!, members);
        Assert.Equal(File.ReadAllText(set["three/seed-42/predictions_test.tsv"]), File.ReadAllText(set["again/seed-42/predictions_test.tsv"]));
        Assert.Null(JsonNode.Parse(File.ReadAllText(set["one/seed-42/summary.json"]))!["soup"]);
    }

    /// <summary>Three runs at a rate that scatters their weights: their mean is no model, and the best of them is kept.</summary>
    [Fact]
    public void Run_WhereTheMeanIsWorse_KeepsTheBestMember()
    {
        using var set = new TinySet();
        set.Run(set.With(f => f with { Mode = TuningMode.Scratch, Soup = 3, Epochs = 12, LearningRate = 0.02, SelectBy = "loss" }), "run");
        JsonNode summary = JsonNode.Parse(File.ReadAllText(set["run/seed-42/summary.json"]))!;
        Assert.False((bool)summary["soup"]!["taken"]!);
        Assert.Equal(summary["soup"]!["members"]!.AsArray().Min(v => (double)v!), (double)summary["validation_loss"]!, 1e-9);
    }

    [Theory]
    [InlineData(0, TuningMode.Full)]
    [InlineData(101, TuningMode.Full)]
    [InlineData(2, TuningMode.Probe)]
    public void Validate_OfAnImpossibleSoup_SaysSo(int soup, TuningMode mode) =>
        Assert.Contains(new FineTuningConfig { Soup = soup, Mode = mode }.Validate(), p => p.StartsWith("soup: ", StringComparison.Ordinal));

    private static double[] Losses(IEnumerable<MetricsLine> lines) => [.. lines.Where(l => l.Values.ContainsKey("train/loss")).Select(l => l.Values["train/loss"])];
}
