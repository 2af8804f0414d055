using System.Text.Json.Nodes;

namespace GenoSeq.Cli.Tests.Commands.Data;

public sealed class LabelsCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-labels-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private string LeakySet()
    {
        Write("set/train.csv", "sequence,label\nAACG,neg\nAAAC,pos\nAAAC,pos\nGGGGGG,pos\n");
        Write("set/test.csv", "sequence,label\nCGTT,neg\nAAAC,pos\nTTTTTTTT,pos\n");
        return Path.Combine(_folder, "set");
    }

    [Fact]
    public async Task Labels_Json_IsOneLineOfFigures()
    {
        Answer answer = await Genoseq.InProcessAsync("data", "labels", LeakySet(), "--json");
        Assert.Equal(0, answer.ExitCode);
        JsonNode set = JsonNode.Parse(Assert.Single(answer.Out.TrimEnd('\n').Split('\n')))!;
        Assert.Equal(("set", "class", 7, 64), ((string)set["name"]!, (string)set["kind"]!, (int)set["rows"]!, ((string)set["sha256"]!).Length));
        Assert.Equal("""["neg","pos"]""", set["labels"]!.ToJsonString());
        Assert.Equal(
            """[{"part":"train","rows":4,"bases":18,"min":4,"mean":4.5,"max":6,"repeats":1,"repeats_reverse_only":0,"repeats_other_label":0,"counts":[1,3]},{"part":"test","rows":3,"bases":16,"min":4,"mean":5.333,"max":8,"repeats":0,"repeats_reverse_only":0,"repeats_other_label":0,"counts":[1,2]}]""",
            set["parts"]!.ToJsonString());
        Assert.Equal("""[{"a":"train","b":"test","equal":1,"with_reverse_complements":2,"rows_a":3,"rows_b":2,"same_label":2,"other_label":0}]""", set["shared"]!.ToJsonString());
        Assert.Contains("2 sequences of the test part are also in the train part (1 of them as reverse complement only)", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Labels_Text_ShowsPartsClassesAndLeak()
    {
        Answer answer = await Genoseq.InProcessAsync("data", "labels", LeakySet());
        Assert.Equal(0, answer.ExitCode);
        Assert.Matches(@"train +4 +18 +4 +4\.5 +6 +1", answer.Out);
        Assert.Matches(@"1 +pos +3 +2", answer.Out);
        Assert.Matches(@"train, test +1 +2", answer.Out);
        Assert.Contains("set: 7 rows, labels: class, sha256 ", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Labels_DropLeaks_ShowsWhatIsLeft()
    {
        Answer answer = await Genoseq.InProcessAsync("data", "labels", LeakySet(), "--drop-leaks", "--json");
        Assert.Equal(0, answer.ExitCode);
        JsonNode set = JsonNode.Parse(answer.Out)!;
        Assert.Equal((1, 3), ((int)set["parts"]![0]!["rows"]!, (int)set["parts"]![1]!["rows"]!));
        Assert.Equal(0, (int)set["shared"]![0]!["with_reverse_complements"]!);
        Assert.Contains("3 training rows are left out", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Labels_DropLeaksOfCopies_ExitsWith3()
    {
        Write("same/train.csv", "sequence,label\nAACG,0\nAAAC,1\n");
        Write("same/test.csv", "sequence,label\nCGTT,0\nAAAC,1\n");
        Answer answer = await Genoseq.InProcessAsync("data", "labels", Path.Combine(_folder, "same"), "--drop-leaks");
        Assert.Equal(3, answer.ExitCode);
        Assert.Contains("every training row", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Labels_Options_ReachTheReader()
    {
        string genome = Write("g.fa", ">chr1\nACGTACGTAC\n");
        string table = Write("t.tsv", "chrom\tstart\tend\tscore\n1\t0\t4\t0.5\n1\t4\t6\t2\n");
        Answer answer = await Genoseq.InProcessAsync(
            "data", "labels", table, "--genome", genome, "--label", "score", "--kind", "number", "--delimiter", "tab", "--hold-out", "0.5", "--json");
        Assert.Equal(0, answer.ExitCode);
        JsonNode set = JsonNode.Parse(answer.Out)!;
        Assert.Equal(("number", 2), ((string)set["kind"]!, set["parts"]!.AsArray().Count));
        Answer raw = await Genoseq.InProcessAsync(
            "data", "labels", Write("raw.data", "+;x;acgt\n-;y;gg\n"), "--no-header", "--sequence", "3", "--label", "1", "--id", "2", "--json");
        Assert.Contains("""
            "labels":["+","-"]
            """, raw.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sequence,label\nACGT,0\nACX,1\n", "line 3")]
    [InlineData("sequence,label\nACGT\n", "line 2")]
    [InlineData("", "bad.csv")]
    public async Task Labels_BadInput_ExitsWith3AndNamesThePlace(string text, string place)
    {
        Answer answer = await Genoseq.InProcessAsync("data", "labels", Write("bad.csv", text));
        Assert.Equal(3, answer.ExitCode);
        Assert.Contains(place, answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
        Assert.Empty(answer.Out);
    }

    [Theory]
    [InlineData("--kind", "multilabel")]
    [InlineData("--kind", "colour")]
    [InlineData("--hold-out", "2")]
    [InlineData("--delimiter", "ab")]
    [InlineData("--second", "x")]
    public async Task Labels_BadOption_ExitsWith2(string option, string value)
    {
        Answer answer = await Genoseq.InProcessAsync("data", "labels", LeakySet(), option, value);
        Assert.Equal(2, answer.ExitCode);
        Assert.NotEmpty(answer.Error);
    }

    [Fact]
    public async Task Labels_Help_HasExamples() => Assert.Contains(
        "genoseq data labels GUE", (await Genoseq.InProcessAsync("data", "labels", "--help")).Out, StringComparison.Ordinal);

    [SharedFact]
    public async Task Labels_LeakyPublishedSet_IsWarnedOf()
    {
        Answer answer = await Genoseq.InProcessAsync(
            "data", "labels", Repository.SharedPath("data", "benchmarks", "ienhancer_2l"), "--task", "layer1", "--json");
        Assert.Equal(0, answer.ExitCode);
        Assert.Equal(100, (int)JsonNode.Parse(answer.Out)!["shared"]![0]!["equal"]!);
        Assert.Contains("100 sequences of the test part are also in the train part", answer.Error, StringComparison.Ordinal);
    }
}
