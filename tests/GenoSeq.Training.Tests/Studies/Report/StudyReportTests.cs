using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using GenoSeq.Data;
using GenoSeq.Training.Studies;
using GenoSeq.Training.Studies.Report;
using GenoSeq.Training.Tests.Runs;

namespace GenoSeq.Training.Tests.Studies.Report;

public sealed class StudyReportTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Write_AWholeStudy_MakesSoundFiles()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["plot-9.svg"], "of a former report");
        StudyResults results = FakeStudy.Whole();
        StudyReport.Write(results, folder.Path);
        Assert.Equal(["index.html", "plot-1.svg", "plot-2.svg", "plot-3.svg", "plot-4.svg", "plot-5.svg", "plot-6.svg", "report.json", "report.md"],
            Directory.GetFiles(folder.Path).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        XDocument page = XDocument.Load(folder["index.html"]);
        Assert.Equal("en", page.Root!.Attribute("lang")!.Value);
        Assert.Single(page.Descendants("h1"));
        int level = 0;
        foreach (XElement heading in page.Descendants().Where(e => Regex.IsMatch(e.Name.LocalName, "^h[1-6]$")))
        {
            Assert.InRange(heading.Name.LocalName[1] - '0', 1, level + 1);
            level = heading.Name.LocalName[1] - '0';
        }

        string[] ids = [.. page.Descendants().Attributes("id").Select(a => a.Value)];
        Assert.Equal(ids.Distinct().Count(), ids.Length);
        XElement[] pictures = [.. page.Descendants(s_svg + "svg").Where(s => s.Attribute("role")?.Value == "img")];
        Assert.Equal(6 + 5, pictures.Length);
        Assert.All(pictures, p => Assert.All(p.Attribute("aria-labelledby")!.Value.Split(' '), id => Assert.Contains(id, ids)));
        Assert.All(page.Descendants("th"), th => Assert.NotNull(th.Attribute("scope")));
        foreach (XElement table in page.Descendants("table"))
        {
            int[] widths = [.. table.Element("tbody")!.Elements("tr").Select(r => r.Elements().Count())];
            int head = table.Element("thead")!.Elements("tr").First().Elements().Sum(c => (int?)c.Attribute("colspan") ?? 1);
            Assert.All(widths, w => Assert.Equal(head, w));
        }

        Assert.DoesNotMatch("(src|href|url)[=(]\"?https?:", File.ReadAllText(folder["index.html"]));
        Assert.All(Directory.GetFiles(folder.Path, "*.svg"), f => Assert.Equal("svg", XDocument.Load(f).Root!.Name.LocalName));
        Assert.All(Directory.GetFiles(folder.Path), f => Assert.DoesNotContain("NaN", File.ReadAllText(f), StringComparison.Ordinal));
        JsonNode json = JsonNode.Parse(File.ReadAllText(folder["report.json"]))!;
        Assert.Equal(["supported", "supported", "contradicted", "undecided", "contradicted", "not_measured"], json["verdicts"]!.AsArray().Select(v => (string)v!["outcome"]!));
        Assert.Equal(Points(json), pictures.Where(p => !p.Attribute("aria-labelledby")!.Value.StartsWith("verdict", StringComparison.Ordinal))
            .Select(p => p.Descendants(s_svg + "path").Count(e => e.Attribute("class")?.Value == "pt")));
    }

    [Fact]
    public void Write_AWholeStudy_SaysWhatIsMissing()
    {
        using var folder = new TemporaryFolder();
        StudyReport.Write(FakeStudy.Whole(), folder.Path);
        foreach (string file in new[] { "index.html", "report.md" })
        {
            string text = File.ReadAllText(folder[file]);
            Assert.Contains("mamba2, pairs 1024, seed 2: the loss was not a number at step 733", text, StringComparison.Ordinal);
            Assert.Contains("hyena, pairs 16, seed 1, trial of learning rate 0.003", text, StringComparison.Ordinal);
            Assert.Contains("hyena, pairs 1024, seed 3: out of memory", text, StringComparison.Ordinal);
            Assert.Contains("(1 of 3 seeds not a number)", text, StringComparison.Ordinal);
            Assert.Contains("mamba2/pairs 1024/seed 4", text, StringComparison.Ordinal);
            Assert.Contains("contradicts the published claim (Gu and Dao 2023). Published: 5 times at batch 128.", text, StringComparison.Ordinal);
        }

        Assert.Contains("is +39.2 points, 95 % interval +36.9 to +41.5, over 2 seeds.", File.ReadAllText(folder["report.md"]).Replace("\\", "", StringComparison.Ordinal), StringComparison.Ordinal);
        string[] lines = [.. StudyReport.Summary(FakeStudy.Whole())];
        Assert.Equal("Recall of motifs: how many can a fixed state hold?: 2 supported, 2 contradicted, 1 undecided, 1 not measured; cells: 2 not run, 1 failed, 2 diverged", lines[0]);
        Assert.StartsWith("SUPPORTED    fixed-state: Recall accuracy: transformer minus mamba2 at pairs 1024", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Write_RecordsInAnyOrder_GivesTheSameBytes()
    {
        using var one = new TemporaryFolder();
        using var two = new TemporaryFolder();
        StudyResults results = FakeStudy.Whole();
        StudyReport.Write(results, one.Path);
        StudyReport.Write(new StudyResults(results.Study, [.. results.Records.Reverse()], results.Failures, results.Missing), two.Path);
        Assert.All(Directory.GetFiles(one.Path), f => Assert.Equal(File.ReadAllBytes(f), File.ReadAllBytes(two[Path.GetFileName(f)])));
    }

    [Fact]
    public void Write_HostileNamesAndNumbers_StayText()
    {
        const string evil = "<script>alert('x')</script>|\"&*_`\u0001";
        StudyResults small = FakeStudy.Small(
            FakeStudy.Record(evil, 1, FakeStudy.At((evil, evil)), FakeStudy.Value("m", double.PositiveInfinity, ("length", 1)), FakeStudy.Value("m", -1, ("length", 2))),
            FakeStudy.Record(evil, 2, FakeStudy.At((evil, evil)), FakeStudy.Value("m", double.NaN, ("length", 1)), FakeStudy.Value("m", 0, ("length", 2))) with { Diverged = evil });
        StudyConfig config = small.Study.Config with
        {
            Title = evil,
            Question = evil,
            Metrics = [new() { Name = "m", Title = evil, Unit = evil, Higher = true }],
            Plots = [.. new[] { "length", evil, "model", "tokens", "parameters" }.Select(x => new StudyPlotConfig { Title = evil, Metric = "m", X = x, LogX = true, LogY = x == "length" })],
            Claims = [new() { Name = evil, Text = evil, Source = evil, Published = evil, Metric = "m", Of = new() { Model = evil }, Against = new() { Model = evil } }],
        };
        var results = new StudyResults(small.Study with { Config = config }, small.Records, [new StudyFailure(evil, 1, FakeStudy.At(), evil)], [evil]);
        using var folder = new TemporaryFolder();
        string study = folder["a & b"];
        StudyReport.Write(results, study);
        Assert.Equal(1, StudyIndex.Write(folder.Path));
        foreach (string page in new[] { Path.Combine(study, "index.html"), folder["index.html"] })
        {
            Assert.All(XDocument.Load(page).Descendants("script"), s => Assert.DoesNotContain("alert", s.Value, StringComparison.Ordinal));
        }

        Assert.All(Directory.GetFiles(study, "*.svg"), f => Assert.NotNull(XDocument.Load(f).Root));
        string markdown = File.ReadAllText(Path.Combine(study, "report.md"));
        Assert.DoesNotContain("<script", markdown, StringComparison.Ordinal);
        Assert.Contains("not a number", markdown, StringComparison.Ordinal);
        Assert.Contains("Not drawn, as a logarithmic axis", markdown, StringComparison.Ordinal);
        Assert.Contains("href=\"a%20%26%20b/index.html\"", File.ReadAllText(folder["index.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NothingMeasured_HasAReportAllTheSame()
    {
        using var folder = new TemporaryFolder();
        StudyResults whole = FakeStudy.Whole();
        StudyReport.Write(new StudyResults(whole.Study, [], [], ["all of it"]), folder.Path);
        Assert.Equal(3, Directory.GetFiles(folder.Path).Length);
        Assert.Contains("6 not measured", File.ReadAllText(folder["index.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_Tables_AreDividedMarkedAndHaveOneWidth()
    {
        StudyContent content = new(FakeStudy.Whole());
        IReadOnlyList<StudyTable> accuracy = content.Metrics[0].Tables;
        Assert.Equal(FakeStudy.Pairs.Length, accuracy.Count);
        Assert.All(accuracy, t => Assert.InRange(t.Columns.Count, 1, 6));
        Assert.Equal("pairs 4", accuracy[0].Title);
        Assert.All(accuracy.SelectMany(t => Enumerable.Range(0, t.Columns.Count).Select(c => t.Rows.Count(r => r.Cells[c].Mark == StudyMark.Best))), n => Assert.Equal(1, n));
        Assert.Contains(accuracy.SelectMany(t => t.Rows).SelectMany(r => r.Cells), c => c.Mark == StudyMark.Tie);
        Assert.Equal("markov-12 (reference)", accuracy[0].Rows[^1].Head);
        Assert.Equal(3, content.Sweep!.Columns.Count);
        Assert.All(content.Sweep.Rows, (r, m) => Assert.Equal($"{60 + (m * 5)} (chosen)", r.Cells[1].Text));
        Assert.Equal("diverged", content.Sweep.Rows[^1].Cells[2].Text);
    }

    [Fact]
    public void Index_ListsAllStudies()
    {
        using var folder = new TemporaryFolder();
        InputDataException none = Assert.Throws<InputDataException>(() => StudyIndex.Write(folder.Path));
        Assert.Contains("there is no report of a study", none.Message, StringComparison.Ordinal);
        StudyResults whole = FakeStudy.Whole();
        StudyReport.Write(whole, folder["two"]);
        StudyReport.Write(new StudyResults(whole.Study, whole.Records, [], []), folder["one"]);
        Directory.CreateDirectory(folder["empty"]);
        Assert.Equal(2, StudyIndex.Write(folder.Path));
        XDocument page = XDocument.Load(folder["index.html"]);
        Assert.Equal(["one/index.html", "two/index.html"], page.Descendants("a").Select(a => a.Attribute("href")!.Value));
        Assert.Equal(12, page.Descendants("span").Count(s => s.Attribute("class")!.Value.StartsWith("badge", StringComparison.Ordinal)));
        Assert.Contains("(two/report.md)", File.ReadAllText(folder["index.md"]), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder["one"], "report.json"), "{}");
        Assert.Contains("one/report.json", Assert.Throws<InputDataException>(() => StudyIndex.Write(folder.Path)).Message.Replace('\\', '/'), StringComparison.Ordinal);
    }

    private static IEnumerable<int> Points(JsonNode report) => report["plots"]!.AsArray().Select(p => p!["series"]!.AsArray().Sum(s => s!["points"]!.AsArray().Count));
}
