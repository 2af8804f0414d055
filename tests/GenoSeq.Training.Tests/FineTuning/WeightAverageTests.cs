using GenoSeq.Torch;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Runs;
using GenoSeq.Training.Tests.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.FineTuning;

[Collection(EngineCollection.Name)]
public sealed class WeightAverageTests
{
    [Fact]
    public void Add_OverSteps_IsTheMovingAverage()
    {
        using DisposeScope scope = NewDisposeScope();
        var a = new nn.Parameter(zeros([3]));
        var b = new nn.Parameter(ones([2, 2]));
        using var average = new WeightAverage([a, b], 0.5);
        double expectedA = 0, expectedB = 1;
        for (int t = 1; t <= 30; t++)
        {
            using (no_grad())
            {
                a.fill_(t);
                b.fill_(-t * t);
            }

            average.Add();
            double decay = t < 9 ? t / (t + 9.0) : 0.5;
            (expectedA, expectedB) = ((decay * expectedA) + ((1 - decay) * t), (decay * expectedB) - ((1 - decay) * t * t));
        }

        average.Swap();
        Assert.All(a.ToArray<float>(), v => Assert.Equal(expectedA, v, 1e-4));
        Assert.All(b.ToArray<float>(), v => Assert.Equal(expectedB, v, 1e-2));
        average.Swap();
        Assert.All(a.ToArray<float>(), v => Assert.Equal(30, v));
        Assert.All(b.ToArray<float>(), v => Assert.Equal(-900, v));
    }

    /// <summary>Training itself is the same; what is judged and kept is another point of its path.</summary>
    [Theory]
    [InlineData(TuningMode.Scratch)]
    [InlineData(TuningMode.Lora)]
    [InlineData(TuningMode.Probe)]
    public void Run_WithAverage_TrainsTheSameAndJudgesTheAverage(TuningMode mode)
    {
        using var set = new TinySet();
        set.Run(set.Config, "start");
        FineTuneConfig With(double decay) => set.With(f => f with { Mode = mode, AverageDecay = decay, Epochs = 4 }) with
        {
            Checkpoint = mode == TuningMode.Scratch ? null : set["start"],
        };

        set.Run(With(0), "last");
        set.Run(With(0.95), "average");
        set.Run(With(1e-12), "none");
        double[] Of(string run, string key) =>
            [.. MetricsReader.Read(set[run + "/seed-42/metrics.jsonl"]).Where(l => l.Values.ContainsKey(key)).Select(l => l.Values[key])];
        Assert.Equal(Of("last", "train/loss"), Of("average", "train/loss"));
        double[] last = Of("last", "val/loss"), average = Of("average", "val/loss"), none = Of("none", "val/loss");
        Assert.All(last.Zip(average), p => Assert.NotEqual(p.First, p.Second));
        Assert.All(last.Zip(none), p => Assert.Equal(p.First, p.Second, 1e-5));
        // The checkpoint has what was judged: predictions of the stored model are those of the run.
        string[] rows = [.. File.ReadAllLines(set["set.csv"]).Where(l => l.EndsWith("test", StringComparison.Ordinal))];
        File.WriteAllText(set["new.fa"], string.Concat(rows.Select((l, i) => $">s{i}\n{l.Split(',')[0]}\n")));
        PredictRun.Run(set["average/checkpoints/seed-42"], new LabelledDataConfig { Path = set["new.fa"] }, "cpu", 7, set["out.tsv"]);
        Assert.All(File.ReadAllLines(set["average/seed-42/predictions_test.tsv"]).Skip(1).Zip(File.ReadAllLines(set["out.tsv"]).Skip(1)),
            p => Assert.Equal(double.Parse(p.First.Split('\t')[^1]), double.Parse(p.Second.Split('\t')[^1]), 1e-5));
    }
}
