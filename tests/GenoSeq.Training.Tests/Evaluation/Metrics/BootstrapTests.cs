using System.Diagnostics;
using GenoSeq.Data;
using GenoSeq.Training.Evaluation.Metrics;

namespace GenoSeq.Training.Tests.Evaluation.Metrics;

public sealed class BootstrapTests
{
    [Fact]
    public void Draw_AnySample_HasAsManyExamplesAndTheStratumsOnesWithin()
    {
        int[] strata = [.. Enumerable.Range(0, 10_000).Select(i => i % 10 == 0 ? 7 : 2)];
        int[] counts = new int[strata.Length];
        var stratified = new Resampler(strata.Length, 3, strata);
        stratified.Draw(5, counts);
        Assert.Equal(1000, counts.Where((_, i) => strata[i] == 7).Sum());
        Assert.Equal(9000, counts.Where((_, i) => strata[i] == 2).Sum());

        var plain = new Resampler(strata.Length, 3, null);
        plain.Draw(5, counts);
        Assert.Equal(10_000, counts.Sum());
        // A sample leaves out about 1 / e of the examples.
        Assert.InRange(counts.Count(c => c == 0) / 10_000.0, 0.35, 0.385);
        int[] again = new int[counts.Length];
        plain.Draw(6, again);
        Assert.NotEqual(counts, again);
        plain.Draw(5, again);
        Assert.Equal(counts, again);
        new Resampler(strata.Length, 4, null).Draw(5, again);
        Assert.NotEqual(counts, again);
    }

    [Fact]
    public void Evaluate_OnCounts_EqualsTheMetricOfTheRepeatedExamples()
    {
        ClassPredictions p = Random(60, 3, seed: 1);
        int[] counts = new int[60];
        new Resampler(60, 9, null).Draw(0, counts);
        int[] rows = [.. Enumerable.Range(0, 60).SelectMany(i => Enumerable.Repeat(i, counts[i]))];
        var repeated = new ClassPredictions(3, [.. rows.Select(i => p.Labels[i])],
            [.. rows.SelectMany(i => p.Probabilities[(3 * i)..(3 * i + 3)])]);
        foreach ((IMetric weighted, IMetric plain) in p.Metrics().Zip(repeated.Metrics()))
        {
            Assert.Equal(plain.Evaluate().Value, weighted.Evaluate(counts).Value, 1e-12);
        }

        double[] x = Column(p, 0);
        double[] y = [.. Column(p, 1).Select(v => Math.Round(v, 1))];
        var regression = new RegressionPredictions(1, x, y);
        var repeatedRegression = new RegressionPredictions(1, [.. rows.Select(i => x[i])], [.. rows.Select(i => y[i])]);
        foreach ((IMetric weighted, IMetric plain) in regression.Metrics().Zip(repeatedRegression.Metrics()))
        {
            Assert.Equal(plain.Evaluate().Value, weighted.Evaluate(counts).Value, 1e-12);
        }
    }

    [Fact]
    public void Intervals_Accuracy_AreTheBinomialOnes()
    {
        // 400 of 500 right: the standard error is √(0.8 · 0.2 / 500) = 0.0179.
        var p = new ClassPredictions(2, new int[500], [.. Enumerable.Range(0, 500).SelectMany(i => i % 5 == 0 ? new[] { 0.1, 0.9 } : [0.9, 0.1])]);
        IMetric[] accuracy = [p.Metrics().Single(m => m.Name == "accuracy")];
        ConfidenceInterval interval = Bootstrap.Intervals(accuracy, new BootstrapOptions { Resamples = 4000, Seed = 2 })[0]!;
        Assert.InRange(interval.Low, 0.8 - (1.96 * 0.0179) - 0.004, 0.8 - (1.96 * 0.0179) + 0.004);
        Assert.InRange(interval.High, 0.8 + (1.96 * 0.0179) - 0.004, 0.8 + (1.96 * 0.0179) + 0.004);
        Assert.Equal(interval, Bootstrap.Intervals(accuracy, new BootstrapOptions { Resamples = 4000, Seed = 2 })[0]);
    }

    [Fact]
    public void Intervals_RareClass_CountUndefinedResamplesUnlessStratified()
    {
        var p = new ClassPredictions(2, [1, 0, 0, 0, 0, 0], [.. new[] { 0.9, 0.2, 0.3, 0.1, 0.2, 0.6 }.SelectMany(v => new[] { 1 - v, v })]);
        IMetric[] auroc = [p.Metrics().Single(m => m.Name == "auroc")];
        ConfidenceInterval plain = Bootstrap.Intervals(auroc, new BootstrapOptions())[0]!;
        Assert.InRange(plain.UndefinedResamples, 250, 420);
        Assert.Equal(0, Bootstrap.Intervals(auroc, new BootstrapOptions { Stratified = true }, p.Strata)[0]!.UndefinedResamples);
        Assert.Throws<ArgumentException>(() => Bootstrap.Intervals(auroc, new BootstrapOptions { Stratified = true }));
        Assert.Throws<ArgumentException>(() => Bootstrap.Intervals(auroc, new BootstrapOptions { Resamples = 1, Level = 2 }));
    }

    [Fact]
    public void Difference_SameModel_IsATieAndABetterOneIsNot()
    {
        IMetric Mcc(double noise, int seed) => Noisy(600, noise, seed).Metrics().Single(m => m.Name == "mcc");
        PairedDifference same = Bootstrap.Difference([Mcc(1, 1), Mcc(1, 2)], [Mcc(1, 2), Mcc(1, 1)], new BootstrapOptions())!;
        Assert.True(same.IsTie);
        Assert.Equal(0, same.Difference, 12);
        Assert.Equal(0, same.Interval!.High - same.Interval.Low, 12);
        PairedDifference better = Bootstrap.Difference([Mcc(0.3, 1), Mcc(0.3, 2), Mcc(0.3, 3)], [Mcc(2, 4)], new BootstrapOptions())!;
        Assert.False(better.IsTie);
        Assert.True(better.Interval!.Low > 0 && better.Interval.Contains(better.Difference));
        var constant = new ClassPredictions(2, new int[600], [.. Enumerable.Repeat(0.5, 1200)]);
        Assert.Null(Bootstrap.Difference([Mcc(1, 1)], [constant.Metrics().Single(m => m.Name == "mcc")], new BootstrapOptions()));
        Assert.Throws<ArgumentException>(() => Bootstrap.Difference([Mcc(1, 1)], [], new BootstrapOptions()));
    }

    [Fact]
    public void Intervals_HundredThousandExamples_TakeSeconds()
    {
        IMetric[] auroc = [Noisy(100_000, 1, 5).Metrics().Single(m => m.Name == "auroc")];
        var clock = Stopwatch.StartNew();
        ConfidenceInterval interval = Bootstrap.Intervals(auroc, new BootstrapOptions())[0]!;
        // A second or two; the bound tells a sort in every resample (a minute) from none on a busy machine.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 25);
        Assert.InRange(interval.High - interval.Low, 0.003, 0.008);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.5, 2.5)]
    [InlineData(0.9, 3.7)]
    [InlineData(1, 4)]
    public void Quantile_InterpolatesBetweenOrderStatistics(double q, double expected) =>
        Assert.Equal(expected, ConfidenceInterval.Quantile([1, 2, 3, 4], q), 12);

    private static ClassPredictions Noisy(int n, double noise, int seed)
    {
        var random = new CounterRandom(seed, "noise", 0);
        int[] labels = [.. Enumerable.Range(0, n).Select(i => i % 2)];
        float[] logits = new float[2 * n];
        for (int i = 0; i < n; i++)
        {
            logits[(2 * i) + 1] = (float)(labels[i] - 0.5 + (noise * 3 * (random.NextDouble() - 0.5)));
        }

        return ClassPredictions.FromLogits(2, labels, logits);
    }

    private static ClassPredictions Random(int n, int classes, int seed)
    {
        var random = new CounterRandom(seed, "random", 0);
        float[] logits = new float[n * classes];
        for (int i = 0; i < logits.Length; i++)
        {
            logits[i] = (float)Math.Round(random.NextDouble() * 4);
        }

        return ClassPredictions.FromLogits(classes, [.. Enumerable.Range(0, n).Select(i => i % classes)], logits);
    }

    private static double[] Column(ClassPredictions p, int column) =>
        [.. Enumerable.Range(0, p.Examples).Select(i => p.Probabilities[(i * p.Classes) + column])];
}
