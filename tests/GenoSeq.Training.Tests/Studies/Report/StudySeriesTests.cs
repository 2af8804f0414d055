using GenoSeq.Training.Evaluation.Metrics.Plots;
using GenoSeq.Training.Studies;
using GenoSeq.Training.Studies.Report;

namespace GenoSeq.Training.Tests.Studies.Report;

public sealed class StudySeriesTests
{
    [Fact]
    public void Of_Condition_AveragesWithinSeedsFirst()
    {
        StudyRecord One(long seed, double k, double a, double b) => FakeStudy.Record("a", seed, FakeStudy.At(("k", k)), FakeStudy.Value("m", a, ("length", 1)), FakeStudy.Value("m", b, ("length", 2)));
        StudyResults results = FakeStudy.Small(One(1, 8, 1, 3), One(2, 8, 5, 7), One(1, 2, double.NaN, 1), One(2, 2, 4, 6));
        StudyPoint[] points = [.. StudyPlotData.Of(Plot("k"), results).Series[0].Points];
        Assert.Equal([new StudyPoint(2, 5, null, 1), new StudyPoint(8, 4, 12.706 * Math.Sqrt(8) / Math.Sqrt(2), 2)], points, new Close());
        Assert.Equal(1, StudyPlotData.Of(Plot("k") with { At = FakeStudy.At(("length", 1)) }, results).Series[0].Points[1].Mean - 2, 12);
    }

    [Fact]
    public void Of_SeedsWithDifferentConditions_CompareWhatAllHave()
    {
        StudyRecord One(long seed, int k, double v) => FakeStudy.Record("a", seed, FakeStudy.At(("k", k)), FakeStudy.Value("m", v));
        StudyPoint point = StudyPlotData.Of(Plot("model"), FakeStudy.Small(One(1, 1, 10), One(1, 2, 90), One(2, 1, 12))).Series[0].Points[0];
        Assert.Equal((11.0, 12.706, 2), (point.Mean, Math.Round(point.HalfWidth!.Value, 9), point.Seeds));
        Assert.Equal(51, StudyPlotData.Of(Plot("model"), FakeStudy.Small(One(1, 2, 90), One(2, 1, 12))).Series[0].Points[0].Mean);
    }

    [Fact]
    public void Of_Words_AreCategoriesInTheOrderOfTheAxis()
    {
        StudyRecord One(string task, double v) => FakeStudy.Record("a", 1, FakeStudy.At(("task", task)), FakeStudy.Value("m", v));
        StudyResults small = FakeStudy.Small(One("z", 1), One("b", 2));
        var results = new StudyResults(small.Study with { Axes = [new StudyAxis("task", [new("z", []), new("b", [])])] }, small.Records, [], []);
        StudyPlotData data = StudyPlotData.Of(Plot("task"), results);
        Assert.Equal(["z", "b"], data.Categories);
        Assert.Equal([(0.0, 1.0), (1.0, 2.0)], data.Series[0].Points.Select(p => (p.X, p.Mean)));
    }

    [Fact]
    public void Of_Curves_AreComparedAtCommonPlaces()
    {
        StudyRecord One(long seed, double shift, double slope, int n = 4) => FakeStudy.Record("a", seed, FakeStudy.At()) with
        {
            Curve = [.. Enumerable.Range(1, n).Select(i => new StudyCurvePoint(i * 10, i, i + shift, slope * (i + shift)))],
        };
        StudyResults results = FakeStudy.Small(One(1, 0, 1), One(2, 0.5, 3), One(3, 0, 100, 2) with { Diverged = "x" });
        StudyPoint[] tokens = [.. StudyPlotData.Of(Plot("tokens"), results).Series[0].Points];
        Assert.Equal([10.0, 20, 30, 40], tokens.Select(p => p.X));
        Assert.Equal((1 + 4.5) / 2, tokens[0].Mean, 12);
        // Seconds 1..4 and 1.5..4.5: from 1.5 to 4, at the first one's points; lines are interpolated exactly.
        StudyPoint[] seconds = [.. StudyPlotData.Of(Plot("seconds"), results).Series[0].Points];
        Assert.Equal([(2.0, 4.0, 2), (3.0, 6.0, 2), (4.0, 8.0, 2)], seconds.Select(p => (p.X, Math.Round(p.Mean, 9), p.Seeds)));
    }

    [Fact]
    public void Of_Sizes_TakeTheRecordsAndReferencesAreLevels()
    {
        StudyRecord One(string model, long size, double v) => FakeStudy.Record(model, 1, FakeStudy.At(("w", size)), FakeStudy.Value("m", v)) with { Parameters = size, Flops = size * 2 };
        StudyResults results = FakeStudy.Small(One("a", 20, 1), One("a", 10, 2), One("b", 0, 7) with { IsReference = true }, One("c", 1, double.NaN));
        StudyPlotData data = StudyPlotData.Of(Plot("training_flops"), results);
        Assert.Equal([(20.0, 2.0), (40.0, 1.0)], data.Series[0].Points.Select(p => (p.X, p.Mean)));
        Assert.Equal((0, 7.0), (data.Series[1].Points.Count, data.Series[1].Level!.Value));
        Assert.Equal(["c"], data.Without);
        StudyPlotData bars = StudyPlotData.Of(Plot("model") with { Models = ["b", "a"] }, results);
        Assert.Equal([("a", 1.5), ("b", 7.0)], bars.Series.Select(s => (s.Model, s.Points[0].Mean)));
    }

    [Theory]
    [InlineData(0.5, 2000, new[] { 1.0, 10, 100, 1000 })]
    [InlineData(3, 40, new[] { 5.0, 10, 20 })]
    [InlineData(100, 130, new[] { 100.0, 105, 110, 115, 120, 125, 130 })]
    [InlineData(1e3, 1e15, new[] { 1e4, 1e6, 1e8, 1e10, 1e12, 1e14 })]
    public void Ticks_OfLogarithmicAxes_AreRound(double low, double high, double[] expected) =>
        Assert.Equal(expected, ChartScale.Over([low, high, -1, double.NaN], log: true).Ticks().Select(t => Math.Round(t, 6)));

    [Theory]
    [InlineData(1234567, "1.23 M")]
    [InlineData(4.2e17, "420 P")]
    [InlineData(999_999, "1 M")]
    [InlineData(512, "512")]
    [InlineData(0, "0")]
    public void Count_HasAPrefix(double value, string expected) => Assert.Equal(expected, StudyFigures.Count(value));

    [Theory]
    [InlineData(0.91234, 0.0123, "0.912 ± 0.012")]
    [InlineData(12345.6, 78.0, "12346 ± 78")]
    [InlineData(-0.0004, 0.02, "0.000 ± 0.020")]
    [InlineData(2e-9, 1e-9, "2e-9 ± 1e-9")]
    [InlineData(double.NaN, null, "not a number")]
    public void Mean_HasTheDecimalsOfItsInterval(double mean, double? half, string expected) => Assert.Equal(expected, StudyFigures.Mean(mean, half));

    private static StudyPlotConfig Plot(string x) => new() { Title = "t", Metric = "m", X = x };

    private sealed class Close : IEqualityComparer<StudyPoint>
    {
        public bool Equals(StudyPoint? a, StudyPoint? b) => a!.X == b!.X && a.Seeds == b.Seeds && Math.Abs(a.Mean - b.Mean) < 1e-9 && Math.Abs((a.HalfWidth ?? -1) - (b.HalfWidth ?? -1)) < 1e-9;

        public int GetHashCode(StudyPoint p) => p.X.GetHashCode();
    }
}
