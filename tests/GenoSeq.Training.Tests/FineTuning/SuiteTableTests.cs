using System.Text.Json.Nodes;
using GenoSeq.Training.FineTuning.Suite;
using GenoSeq.Training.Tests.Runs;

namespace GenoSeq.Training.Tests.FineTuning;

/// <summary>Tables of made-up results: no figure here was measured.</summary>
public sealed class SuiteTableTests
{
    private static readonly SuiteConfig s_suite = new()
    {
        Name = "made-up",
        Title = "Made-up results <for tests>",
        Source = "none",
        Tasks =
        [
            new() { Name = "one", Path = "one", Note = "a test's task" },
            new() { Name = "two", Path = "two", Metric = "accuracy" },
        ],
        Recipes = [new() { Name = "r" }],
        Models =
        [
            new() { Name = "a|b", Preset = "mamba-tiny", Recipe = "r" },
            new() { Name = "cnn", Baseline = "cnn", Recipe = "r" },
            new() { Name = "kmer", Baseline = "kmer", Recipe = "r" },
        ],
        Published =
        [
            new() { System = "P1", Source = "Nobody 2020", Protocol = "invented", Values = new Dictionary<string, double> { ["one"] = 0.75 }, Spreads = new Dictionary<string, double> { ["one"] = 0.01 }, SpreadKind = "max - min" },
            new() { System = "P2", Source = "Nobody 2021", Metric = "f1", Values = new Dictionary<string, double> { ["two"] = 0.9 } },
        ],
    };

    private static SuiteResult Result(string task, string model, long seed, double mcc, double half = 0.01) => new(task, model, seed, new Dictionary<string, SuiteMetric>
    {
        ["mcc"] = new(mcc, mcc - half, mcc + half),
        ["accuracy"] = new(mcc, mcc - half, mcc + half),
        ["f1"] = new(mcc - 0.05),
    });

    private static List<SuiteResult> Results() =>
    [
        Result("one", "a|b", 1, 0.80), Result("one", "a|b", 2, 0.80), Result("one", "a|b", 3, 0.80),
        Result("one", "cnn", 1, 0.795), Result("one", "cnn", 2, 0.795),
        Result("one", "kmer", 1, 0.5), Result("two", "kmer", 1, 0.6), Result("two", "cnn", 1, 0.9),
    ];

    [Fact]
    public void Suite_OfTheTest_IsSound() => Assert.Empty(s_suite.Validate());

    [Fact]
    public void Of_Cells_HaveMeanDeviationAndInterval()
    {
        SuiteCell cell = SuiteCell.Of([new(0.8, 0.78, 0.82), new(0.9, 0.88, 0.92), new(null), new(double.NaN)])!;
        Assert.Equal(2, cell.Runs);
        Assert.Equal(0.85, cell.Mean, 12);
        Assert.Equal(Math.Sqrt(0.005), cell.Deviation!.Value, 12);
        // t with one degree of freedom is 12.706; rows give 0.02.
        Assert.Equal(Math.Sqrt(Math.Pow(12.706 * 0.05, 2) + (0.02 * 0.02)), cell.HalfWidth!.Value, 9);
        Assert.Equal(0.02, SuiteCell.Of([new(0.8, 0.78, 0.82)])!.HalfWidth!.Value, 9);
        Assert.Null(SuiteCell.Of([new(0.8)])!.HalfWidth);
        Assert.Null(SuiteCell.Of([new(null)]));
    }

    [Fact]
    public void Of_Standings_MarkBestAndTies()
    {
        SuiteTable table = SuiteTable.Of(s_suite, Results());
        Assert.Equal([Standing.Best, Standing.Tie, Standing.Below], table.Rows[0].Cells.Select(c => c!.Standing));
        Assert.Null(table.Rows[1].Cells[0]);
        Assert.Equal(Standing.Best, table.Rows[1].Cells[1]!.Standing);
        Assert.Equal(
            [new SuiteTable.Duel("a|b", "cnn", 0, 1, 0, 1, 0.005), new SuiteTable.Duel("a|b", "kmer", 1, 0, 0, 1, 0.3), new SuiteTable.Duel("cnn", "kmer", 2, 0, 0, 2, 0.2975)],
            table.Duels.Select(d => d with { Difference = Math.Round(d.Difference, 9) }));
        Assert.Equal(0.55, table.Rows[1].Others["f1"][2]!.Mean, 9);
    }

    [Fact]
    public void Of_UnknownOrRepeatedResults_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => SuiteTable.Of(s_suite, [Result("three", "cnn", 1, 0.5)]));
        Assert.Throws<ArgumentException>(() => SuiteTable.Of(s_suite, [Result("one", "other", 1, 0.5)]));
        Assert.Throws<ArgumentException>(() => SuiteTable.Of(s_suite, [Result("one", "cnn", 1, 0.5), Result("one", "cnn", 1, 0.6)]));
        Assert.All(SuiteTable.Of(s_suite, []).Rows, r => Assert.All(r.Cells, Assert.Null));
    }

    [Fact]
    public void Write_ThreeFiles_SayTheSame()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "out");
        SuiteReport.Write(SuiteTable.Of(s_suite, Results()), path);
        Assert.Equal(["table.html", "table.json", "table.md"], Directory.GetFiles(path).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));

        string markdown = File.ReadAllText(Path.Combine(path, SuiteReport.MarkdownFile));
        Assert.Contains("| task | metric | a\\|b | cnn | kmer | P1 | P2 |", markdown, StringComparison.Ordinal);
        Assert.Contains("| one | mcc | **0.800 ± 0.000** | 0.795 ± 0.000 ≈ | 0.500 | 0.750 ± 0.010 | – |", markdown, StringComparison.Ordinal);
        Assert.Contains("| two | accuracy | – | **0.900** | 0.600 | – | f1 0.900 |", markdown, StringComparison.Ordinal);
        Assert.Contains("| two | f1 | – | 0.850 | 0.550 |", markdown, StringComparison.Ordinal);
        Assert.Contains("| cnn | kmer | 2 / 0 / 0 | 2 of 2 (100 %) |", markdown, StringComparison.Ordinal);
        Assert.Contains("- P1: Nobody 2020. Protocol: invented. ±: max - min.", markdown, StringComparison.Ordinal);

        string html = File.ReadAllText(Path.Combine(path, SuiteReport.HtmlFile));
        Assert.Contains("Made-up results &lt;for tests&gt;", html, StringComparison.Ordinal);
        Assert.Contains("<td class=\"tie\" title=\"95 %: 0.785 to 0.805, 2 seeds\">0.795 &#177; 0.000 ≈</td>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("src=", html, StringComparison.Ordinal);
        Assert.DoesNotContain("href=", html, StringComparison.Ordinal);

        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(path, SuiteReport.JsonFile)))!;
        JsonNode tie = json["tasks"]![0]!["models"]![1]!;
        Assert.Equal(("cnn", "mcc", 2, "tie"), ((string)tie["model"]!, (string)tie["metric"]!, (int)tie["seeds"]!, (string)tie["standing"]!));
        Assert.Equal(0.795, (double)tie["mean"]!, 12);
        Assert.Equal(("f1", 0.9), ((string)json["tasks"]![1]!["published"]![0]!["metric"]!, (double)json["tasks"]![1]!["published"]![0]!["value"]!));
        Assert.Equal(3, json["compared"]!.AsArray().Count);
    }

    [Fact]
    public void Write_WhatIsKnownOfRuns_StandsInAllForms()
    {
        using var folder = new TemporaryFolder();
        SuiteResult averaged = new("one", "cnn", 3, new Dictionary<string, SuiteMetric> { ["mcc"] = new(0.7, null, null, 0.71) }) { Chosen = "learning rate 0.001, batch 64" };
        SuiteReport.Write(SuiteTable.Of(s_suite, new SuiteStatus
        {
            Results = [averaged],
            Failures = [new("one", "kmer", 1, "no such file")],
            Absent = ["two"],
            NotRun = ["a|b"],
            Data = [new("one", 900, 50, 60, 1, 2, 3, 4, 5, ["a note of the reader"])],
            Costs = [new("cnn", 3, 4500, 20, 1000)],
        }), folder.Path);
        string markdown = File.ReadAllText(Path.Combine(folder.Path, SuiteReport.MarkdownFile));
        Assert.Contains("| one | mcc | – | **0.700** | failed |", markdown, StringComparison.Ordinal);
        Assert.Contains("| two | accuracy | absent | absent | absent |", markdown, StringComparison.Ordinal);
        Assert.Contains("published tables are\n\n| task | metric | a\\|b | cnn | kmer |\n| --- | --- | ---: | ---: | ---: |\n| one | mcc | – | 0.710 | – |", markdown, StringComparison.Ordinal);
        Assert.Contains("| one | cnn | learning rate 0.001, batch 64 |", markdown, StringComparison.Ordinal);
        Assert.Contains("| one | 900 | 50 | 60 | 1 | 2 | 3 | 4 | 5 |", markdown, StringComparison.Ordinal);
        Assert.Contains("| cnn | 20 | 2 % | 3 | 1500.0 | 1.25 |", markdown, StringComparison.Ordinal);
        Assert.Contains("| one | kmer | 1 | no such file |", markdown, StringComparison.Ordinal);
        Assert.Contains("- one: a test's task; a note of the reader.", markdown, StringComparison.Ordinal);
        Assert.Contains("Data that are not there: two. Not run: a|b", markdown, StringComparison.Ordinal);
        string html = File.ReadAllText(Path.Combine(folder.Path, SuiteReport.HtmlFile));
        Assert.All(["failed", "absent", "no such file", "1500.0", "0.710"], text => Assert.Contains($">{text}<", html, StringComparison.Ordinal));
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder.Path, SuiteReport.JsonFile)))!;
        Assert.Equal(("two", "kmer", 2, 4500), ((string)json["absent"]![0]!, (string)json["failed"]![0]!["model"]!, (int)json["data"]![0]!["test_in_train"]!, (int)json["cost"]![0]!["seconds"]!));
        Assert.Equal(("mcc_batch_averaged", 0.71), ((string)json["tasks"]![0]!["models"]![1]!["metric"]!, (double)json["tasks"]![0]!["models"]![1]!["mean"]!));
    }

    [Fact]
    public void Write_Twice_GivesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        SuiteReport.Write(SuiteTable.Of(s_suite, Results()), folder.Path);
        byte[][] first = [.. Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
        List<SuiteResult> reversed = Results();
        reversed.Reverse();
        SuiteReport.Write(SuiteTable.Of(s_suite, reversed), folder.Path);
        Assert.Equal(first, Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal).Select(File.ReadAllBytes));
    }
}
