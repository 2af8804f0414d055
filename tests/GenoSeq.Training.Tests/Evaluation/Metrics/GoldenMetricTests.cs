using System.Text;
using System.Text.Json;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Evaluation.Metrics.Plots;
using GenoSeq.Training.FineTuning.Baselines;

namespace GenoSeq.Training.Tests.Evaluation.Metrics;

/// <summary>Agreement with scikit-learn and SciPy on recorded predictions; golden/make_golden.py made the file.</summary>
public sealed class GoldenMetricTests
{
    private const double Tolerance = 1e-9;
    private static readonly JsonElement s_golden = Read();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Binary_AllMetrics_AgreeWithScikitLearn(int index)
    {
        JsonElement golden = s_golden.GetProperty("binary")[index];
        ClassPredictions predictions = Binary(golden);
        MetricSet set = MetricSet.Of(predictions, new MetricSetOptions { BatchAverage = new BatchAverageOptions { BatchSize = 32 } });
        Agree(golden.GetProperty("metrics"), set.Metrics);
        foreach (JsonProperty expected in golden.GetProperty("batch").EnumerateObject())
        {
            Assert.Equal(expected.Value.GetDouble(), set.Metrics[expected.Name].BatchAveraged!.Value, Tolerance);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Binary_Curves_AgreeWithScikitLearn(int index)
    {
        JsonElement golden = s_golden.GetProperty("binary")[index];
        ClassPredictions predictions = Binary(golden);
        IReadOnlyList<(double X, double Y)> roc = EvaluationPlots.Roc("x", predictions).Series[0].Points;
        AssertClose(Doubles(golden.GetProperty("roc")[0]), [.. roc.Select(p => p.X)], Tolerance);
        AssertClose(Doubles(golden.GetProperty("roc")[1]), [.. roc.Select(p => p.Y)], Tolerance);
        CalibrationBin[] bins = [.. predictions.CalibrationCurve(10).Where(b => b.Count > 0)];
        AssertClose(Doubles(golden.GetProperty("calibration")[0]), [.. bins.Select(b => b.MeanConfidence)], Tolerance);
        AssertClose(Doubles(golden.GetProperty("calibration")[1]), [.. bins.Select(b => b.Frequency)], Tolerance);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void MultiClass_AllMetrics_AgreeWithScikitLearn(int index)
    {
        JsonElement golden = s_golden.GetProperty("multi")[index];
        var predictions = new ClassPredictions(golden.GetProperty("classes").GetInt32(), Ints(golden.GetProperty("labels")),
            Doubles(golden.GetProperty("probabilities")));
        MetricSet set = MetricSet.Of(predictions, new MetricSetOptions { BatchAverage = new BatchAverageOptions { BatchSize = 32 } });
        Assert.Equal("multi_class", set.Task);
        Agree(golden.GetProperty("metrics"), set.Metrics);
        foreach (JsonProperty expected in golden.GetProperty("batch").EnumerateObject())
        {
            Assert.Equal(expected.Value.GetDouble(), set.Metrics[expected.Name].BatchAveraged!.Value, Tolerance);
        }
    }

    [Fact]
    public void MultiLabel_EachLabelAndMacro_AgreeWithScikitLearn()
    {
        JsonElement golden = s_golden.GetProperty("multi_label");
        int labels = golden.GetProperty("labels").GetInt32();
        MetricSet set = MetricSet.Of(new MultiLabelPredictions(labels, [.. Ints(golden.GetProperty("targets")).Select(t => t == 1)],
            Doubles(golden.GetProperty("probabilities"))));
        Agree(golden.GetProperty("metrics"), set.Metrics);
        Assert.Equal(labels, set.Parts!.Count);
        for (int label = 0; label < labels; label++)
        {
            Agree(golden.GetProperty("parts")[label], set.Parts[$"{label}"]);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Regression_AllMetrics_AgreeWithSciPy(int index)
    {
        JsonElement golden = s_golden.GetProperty("regression")[index];
        MetricSet set = MetricSet.Of(new RegressionPredictions(
            1, Doubles(golden.GetProperty("targets")), Doubles(golden.GetProperty("predictions"))));
        Agree(golden.GetProperty("metrics"), set.Metrics);
    }

    [Fact]
    public void KmerBaseline_Probabilities_AgreeWithScikitLearnsLogisticRegression()
    {
        JsonElement golden = s_golden.GetProperty("kmers");
        int cut = golden.GetProperty("cut").GetInt32();
        ReadOnlyMemory<byte>[] sequences =
            [.. golden.GetProperty("sequences").EnumerateArray().Select(s => (ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes(s.GetString()!))];
        int[] labels = Ints(golden.GetProperty("labels"));
        var options = new KmerBaselineOptions
        {
            Ks = [golden.GetProperty("k").GetInt32()],
            Strengths = [golden.GetProperty("strength").GetDouble()],
            Tolerance = 1e-10,
            MaxIterations = 10_000,
        };
        var baseline = KmerBaseline.Fit(3, sequences[..cut], labels[..cut], sequences[cut..], labels[cut..], options);
        AssertClose(Doubles(golden.GetProperty("probabilities")), baseline.Predict(sequences[cut..]), 1e-7);
    }

    private static ClassPredictions Binary(JsonElement golden) => new(2, Ints(golden.GetProperty("labels")),
        [.. Doubles(golden.GetProperty("probabilities")).SelectMany(p => new[] { 1 - p, p })]);

    private static void Agree(JsonElement expected, IReadOnlyDictionary<string, MetricResult> found)
    {
        Assert.Equal(expected.EnumerateObject().Select(p => p.Name).Order(), found.Keys.Order());
        foreach (JsonProperty metric in expected.EnumerateObject())
        {
            double? value = found[metric.Name].Value;
            Assert.True(value is { } v && Math.Abs(v - metric.Value.GetDouble()) <= Tolerance, $"{metric.Name}: {value}, expected {metric.Value}");
        }
    }

    private static void AssertClose(double[] expected, double[] found, double tolerance)
    {
        Assert.Equal(expected.Length, found.Length);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }

    private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(v => v.GetInt32())];

    private static double[] Doubles(JsonElement array) => [.. array.EnumerateArray().Select(v => v.GetDouble())];

    private static JsonElement Read()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(
            Repository.Root, "tests", "GenoSeq.Training.Tests", "Evaluation", "Metrics", "golden", "metrics.json")));
        return document.RootElement.Clone();
    }
}
