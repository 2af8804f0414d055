using System.Xml.Linq;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Evaluation.Metrics.Plots;
using GenoSeq.Training.Tests.Runs;

namespace GenoSeq.Training.Tests.Evaluation.Metrics;

public sealed class EvaluationPlotsTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(30)]
    public void Write_AnyNumberOfClasses_MakesFourAccessibleDocuments(int classes)
    {
        using var folder = new TemporaryFolder();
        EvaluationPlots.Write(folder.Path, "a <model> & its test split", Some(300, classes));
        Assert.Equal(["calibration.svg", "confusion.svg", "pr.svg", "roc.svg"],
            Directory.GetFiles(folder.Path).Select(f => Path.GetFileName(f)).Order());
        foreach (string file in Directory.GetFiles(folder.Path))
        {
            XElement root = XDocument.Load(file).Root!;
            Assert.Equal("img", root.Attribute("role")!.Value);
            Assert.Contains("a <model> & its", root.Element(s_svg + "title")!.Value, StringComparison.Ordinal);
            Assert.NotEmpty(root.Element(s_svg + "desc")!.Value);
            Assert.DoesNotContain("NaN", File.ReadAllText(file), StringComparison.Ordinal);
            Assert.InRange(new FileInfo(file).Length, 1000, 200_000);
        }
    }

    [Fact]
    public void Write_OneClassSplit_LeavesOutTheCurvesThatHaveNoValue()
    {
        using var folder = new TemporaryFolder();
        EvaluationPlots.Write(folder.Path, "x", new ClassPredictions(2, [1, 1], [0.3, 0.7, 0.6, 0.4]));
        Assert.DoesNotContain("area", File.ReadAllText(folder["roc.svg"]), StringComparison.Ordinal);
        Assert.Contains("AP 1.000", File.ReadAllText(folder["pr.svg"]), StringComparison.Ordinal);
        using var empty = new TemporaryFolder();
        EvaluationPlots.Write(empty.Path, "x", new ClassPredictions(2, [], []));
        Assert.Empty(Directory.GetFiles(empty.Path));
    }

    [Fact]
    public void Roc_ManyThresholds_IsASmallFile()
    {
        string svg = EvaluationPlots.Roc("x", Some(50_000, 2)).ToSvg();
        Assert.InRange(svg.Length, 1000, 40_000);
    }

    [Fact]
    public void WriteLearning_PointsThatAreNotFinite_InterruptTheLine()
    {
        using var folder = new TemporaryFolder();
        EvaluationPlots.WriteLearning(folder.Path, "run", "epoch", "loss",
            [new ChartSeries("train", [(1, 0.7), (2, double.NaN), (3, 0.5), (4, 0.4)]), new ChartSeries("validation", [])]);
        XDocument document = XDocument.Load(folder["learning.svg"]);
        string path = document.Descendants(s_svg + "path").First().Attribute("d")!.Value;
        Assert.Equal(2, path.Count(c => c == 'M'));
        string[] texts = [.. document.Descendants(s_svg + "text").Select(t => t.Value)];
        Assert.Contains("epoch", texts);
        Assert.Contains("loss", texts);
        Assert.Contains("validation", texts);
    }

    [Theory]
    [InlineData(0, 1, 0, 0.2, 1)]
    [InlineData(0.13, 0.87, 0.2, 0.3, 0.8)]
    [InlineData(-3, 12_000, 0, 2000, 12_000)]
    public void Ticks_AnyRange_AreRoundNumbersWithinIt(double low, double high, double first, double second, double last)
    {
        double[] ticks = [.. new ChartAxis(low, high).Ticks()];
        Assert.DoesNotContain("-0", ticks.Select(ChartAxis.Label));
        Assert.Equal(first, ticks[0], 9);
        Assert.Equal(second, ticks[1], 9);
        Assert.Equal(last, ticks[^1], 9);
    }

    private static ClassPredictions Some(int n, int classes)
    {
        float[] logits = new float[n * classes];
        for (int i = 0; i < logits.Length; i++)
        {
            logits[i] = (float)Math.Sin(i * 12.9898);
        }

        return ClassPredictions.FromLogits(classes, [.. Enumerable.Range(0, n).Select(i => i % classes)], logits);
    }
}
