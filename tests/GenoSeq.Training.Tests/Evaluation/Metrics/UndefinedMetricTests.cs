using GenoSeq.Training.Evaluation.Metrics;

namespace GenoSeq.Training.Tests.Evaluation.Metrics;

public sealed class UndefinedMetricTests
{
    [Fact]
    public void Of_OneClassOnly_HasReasonsInPlaceOfValues()
    {
        MetricSet set = MetricSet.Of(Binary([1, 1, 1], [0.9, 0.2, 0.8]));
        Assert.Equal(2 / 3.0, set.Value("accuracy")!.Value, 12);
        Assert.Null(set.Value("auroc"));
        Assert.Equal("there are no negative examples", set.Metrics["auroc"].Undefined);
        Assert.Equal("all labels are one class", set.Metrics["mcc"].Undefined);
        Assert.Equal(1, set.Value("auprc")!.Value, 12);

        set = MetricSet.Of(Binary([0, 0], [0.1, 0.2]));
        Assert.Equal("there are no positive examples", set.Metrics["auprc"].Undefined);
        Assert.Equal("class 1 occurs neither in labels nor in predictions", set.Metrics["f1"].Undefined);
        Assert.Equal(1, set.Value("f1_macro"));
    }

    [Fact]
    public void Of_ConstantPredictions_HaveNoMccButChanceAuroc()
    {
        MetricSet set = MetricSet.Of(Binary([0, 1, 1, 0], [0.7, 0.7, 0.7, 0.7]));
        Assert.Equal("all predictions are one class", set.Metrics["mcc"].Undefined);
        Assert.Equal(0.5, set.Value("auroc"));
        Assert.Equal(0.5, set.Value("auprc"));
    }

    [Fact]
    public void Of_NoExamples_IsUndefinedThroughout()
    {
        var options = new MetricSetOptions { Bootstrap = new BootstrapOptions(), BatchAverage = new BatchAverageOptions() };
        foreach (Predictions p in new Predictions[]
            { new ClassPredictions(3, [], []), new MultiLabelPredictions(2, [], []), new RegressionPredictions(1, [], []) })
        {
            MetricSet set = MetricSet.Of(p, options);
            Assert.Equal(0, set.Examples);
            Assert.All(set.Metrics.Values, m => Assert.True(m.Value is null && m.Undefined is not null && m.Interval is null));
        }
    }

    [Fact]
    public void Of_MissingClass_NamesIt()
    {
        MetricSet set = MetricSet.Of(new ClassPredictions(3, [0, 1], [0.8, 0.1, 0.1, 0.2, 0.7, 0.1]));
        Assert.Equal("class 2: there are no positive examples", set.Metrics["auroc"].Undefined);
        Assert.Equal(1, set.Value("mcc"));
    }

    [Fact]
    public void Of_LabelThatNeverOccurs_IsLeftOutOfTheMacroValue()
    {
        MetricSet set = MetricSet.Of(new MultiLabelPredictions(2, [true, false, false, false], [0.9, 0.1, 0.2, 0.3])
            { LabelNames = ["h3", "h4"] });
        Assert.Null(set.Parts!["h4"]["auroc"].Value);
        Assert.Equal(1, set.Parts["h3"]["auroc"].Value);
        Assert.Equal(1, set.Value("auroc"));
    }

    [Theory]
    [InlineData(new double[] { 0.1, 0.1, 0.1 }, new double[] { 1, 2, 3 }, "all targets are the same", "all targets are the same")]
    [InlineData(new double[] { 1, 2, 3 }, new double[] { 0.1, 0.1, 0.1 }, "all predictions are the same", null)]
    public void Of_ConstantRegression_HasNoCorrelation(double[] targets, double[] values, string correlation, string? r2)
    {
        MetricSet set = MetricSet.Of(new RegressionPredictions(1, targets, values));
        Assert.Equal(correlation, set.Metrics["pearson"].Undefined);
        Assert.Equal(correlation, set.Metrics["spearman"].Undefined);
        Assert.Equal(r2, set.Metrics["r2"].Undefined);
        Assert.NotNull(set.Value("mse"));
    }

    [Fact]
    public void BatchAverage_UndefinedBatch_CountsAsZero()
    {
        // The first batch has one class only: scikit-learn's MCC is 0 there.
        ClassPredictions p = Binary([1, 1, 0, 1], [0.9, 0.9, 0.1, 0.9]);
        Assert.Equal(0.5, BatchAverage.Of(p, new BatchAverageOptions { BatchSize = 2 })["mcc"]);
        Assert.Equal(1, MetricSet.Of(p).Value("mcc"));

        // Three examples: one batch of two, one of one.
        p = Binary([1, 0, 1], [0.9, 0.9, 0.9]);
        Assert.Equal(2 / 3.0, BatchAverage.Of(p, new BatchAverageOptions { BatchSize = 2 })["accuracy"], 12);
        Assert.Equal(0.75, BatchAverage.Of(p, new BatchAverageOptions { BatchSize = 2, WeighByExamples = false })["accuracy"], 12);
    }

    [Fact]
    public void Of_BadArrays_ListsEveryProblem()
    {
        var bad = new ClassPredictions(2, [0, 2], [0.5, 0.5, double.NaN, 1]);
        Assert.Equal(2, bad.Validate().Count);
        string message = Assert.Throws<ArgumentException>(() => MetricSet.Of(bad)).Message;
        Assert.Contains("label of example 1 is 2", message, StringComparison.Ordinal);
        Assert.Contains("probability of example 1 is NaN", message, StringComparison.Ordinal);
        Assert.Contains("do not add up to 1", Assert.Single(new ClassPredictions(2, [0], [0.5, 0.4]).Validate()), StringComparison.Ordinal);
        Assert.NotEmpty(new ClassPredictions(2, [0], [0.5]).Validate());
        Assert.NotEmpty(new MultiLabelPredictions(2, [true], [0.5]).Validate());
        Assert.NotEmpty(new RegressionPredictions(1, [1], [double.NaN]).Validate());
        Assert.NotEmpty(new RegressionPredictions(1, [1], [1]) { TargetNames = ["a", "b"] }.Validate());
    }

    [Fact]
    public void Json_RoundTrip_KeepsValuesReasonsAndIntervals()
    {
        MetricSet set = MetricSet.Of(Binary([0, 1, 1, 0], [0.2, 0.7, 0.7, 0.7]), new MetricSetOptions
            { Bootstrap = new BootstrapOptions { Resamples = 100, Stratified = true }, BatchAverage = new BatchAverageOptions() });
        string json = set.ToJson();
        Assert.Contains("\"batch_averaged\"", json, StringComparison.Ordinal);
        Assert.Contains("\"value\": null", MetricSet.Of(Binary([0], [0.2])).ToJson(), StringComparison.Ordinal);
        MetricSet read = MetricSet.FromJson(json);
        Assert.Equal(set.Metrics, read.Metrics);
        Assert.Equal(json, read.ToJson());
        Assert.Throws<KeyNotFoundException>(() => set.Value("pearson"));
    }

    [Fact]
    public void FromLogits_LargeLogits_GiveProbabilities()
    {
        var p = ClassPredictions.FromLogits(2, [0, 1], [1000, -1000, 0, 0]);
        Assert.Equal([1, 0, 0.5, 0.5], p.Probabilities);
        Assert.Equal([0, 0], p.Predicted());
        Assert.Equal([0.5, 1, 0], MultiLabelPredictions.FromLogits(3, [true, true, false], [0, 1000, -1000]).Probabilities);
        Assert.NotEmpty(ClassPredictions.FromLogits(2, [0], [float.NaN, 1]).Validate());
    }

    [Fact]
    public void SeedSummary_Values_HaveMeanAndSampleDeviation()
    {
        SeedSummary summary = SeedSummary.Of([1, 2, null, 6]);
        Assert.Equal((3, 1, 3.0, 1.0, 6.0), (summary.Runs, summary.UndefinedRuns, summary.Mean, summary.Min, summary.Max));
        Assert.Equal(Math.Sqrt(7), summary.StandardDeviation!.Value, 12);
        Assert.Null(SeedSummary.Of([0.5]).StandardDeviation);
        Assert.Null(SeedSummary.Of([double.NaN]).Mean);
    }

    private static ClassPredictions Binary(int[] labels, double[] positive) =>
        new(2, labels, [.. positive.SelectMany(p => new[] { 1 - p, p })]);
}
