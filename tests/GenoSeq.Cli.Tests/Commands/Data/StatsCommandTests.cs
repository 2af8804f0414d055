using System.Text.Json;

namespace GenoSeq.Cli.Tests.Commands.Data;

public class StatsCommandTests
{
    private static readonly string[] s_keys =
        ["file", "format", "sequences", "bases", "gc", "n", "soft_masked", "min", "mean", "max", "n50"];

    [Fact]
    public async Task Stats_TwoFilesAsJson_HaveExactKeysAndATotal()
    {
        using var space = new Workspace();
        File.WriteAllText(space["a.fa"], ">x\nGGCCaann\n>y\nSW\n");
        File.WriteAllText(space["b.fq"], "@r\nAC\n+\nII\n");
        Answer answer = await Genoseq.InProcessAsync("data", "stats", "--json", space["a.fa"], space["b.fq"]);
        Assert.Equal(0, answer.ExitCode);
        JsonElement[] lines = [.. answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
        Assert.All(lines, l => Assert.Equal(s_keys, l.EnumerateObject().Select(p => p.Name)));
        Assert.Equal(["FASTA", "FASTQ", "mixed"], lines.Select(l => l.GetProperty("format").GetString()!));
        Assert.Equal((2, 10, 0.625, 2, 4, 2, 5.0, 8, 8), Values(lines[0]));
        Assert.Equal((3, 12, 0.6, 2, 4, 2, 4.0, 8, 8), Values(lines[2]));
        Assert.Equal("total", lines[2].GetProperty("file").GetString());
    }

    [Fact]
    public async Task Stats_BadFileAmongGood_IsReportedAndTheOthersCounted()
    {
        using var space = new Workspace();
        File.WriteAllText(space["bad.fa"], ">x\nAC!T\n");
        Answer answer = await Genoseq.InProcessAsync("data", "stats", space["bad.fa"], space["absent.fa"], space["genome.fa"]);
        Assert.Equal(3, answer.ExitCode);
        Assert.Contains("genome.fa  FASTA   2          7,000", answer.Out, StringComparison.Ordinal);
        Assert.Contains("'!' is no sequence character", answer.Error, StringComparison.Ordinal);
        Assert.Contains("file not found", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stats_Protein_IsCountedWithAWarningUnlessDnaIsAskedFor()
    {
        using var space = new Workspace();
        File.WriteAllText(space["p.fa"], ">x\nMKVLE*\n");
        Answer answer = await Genoseq.InProcessAsync("data", "stats", "--json", space["p.fa"]);
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains("\"bases\":6,\"gc\":null", answer.Out, StringComparison.Ordinal);
        Assert.Contains("2 of 6 characters are no nucleotide code", answer.Error, StringComparison.Ordinal);
        Answer strict = await Genoseq.InProcessAsync("data", "stats", "--alphabet", "dna", space["p.fa"]);
        Assert.Equal(3, strict.ExitCode);
        Assert.Contains("line 2, record 'x'", strict.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(">x\nSEQUENCE1\nT0123\n", 14)]
    [InlineData("@x\nSEQUENCE1\n+\nIIIIIIIII\n", 9)]
    [InlineData(">x\nAC?GT~~\n", 7)]
    public async Task Stats_LettersWithDigitsAndPlaceholders_AreCounted(string text, int bases)
    {
        using var space = new Workspace();
        File.WriteAllText(space["p"], text);
        Answer answer = await Genoseq.InProcessAsync("data", "stats", "--json", space["p"]);
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains($"\"bases\":{bases},", answer.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(">x\n40 40 38\n", 2)]
    [InlineData(">x\nACGT\n 61 acgt\n", 3)]
    [InlineData(">x\nacgt acgt 60\n", 2)]
    [InlineData(">x\nAC;GT\n", 2)]
    public async Task Stats_NumbersAndPunctuation_AreRefused(string text, int line)
    {
        using var space = new Workspace();
        File.WriteAllText(space["p"], text);
        Answer answer = await Genoseq.InProcessAsync("data", "stats", space["p"]);
        Assert.Equal(3, answer.ExitCode);
        Assert.Contains($"line {line}, record 'x'", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"bases\":4,", "stats", "--json")]
    [InlineData(">x:2-3\nCG\n", "get", "x:2-3")]
    public async Task Verb_NamedPipe_IsReadOnceAndWhole(string expected, string verb, string last)
    {
        using var space = new Workspace();
        using (var make = System.Diagnostics.Process.Start("mkfifo", [space["pipe"]]))
        {
            await make.WaitForExitAsync();
        }
        Task writer = Task.Run(() => File.WriteAllText(space["pipe"], ">x\nACGT\n"));
        Answer answer = await Genoseq.InProcessAsync("data", verb, space["pipe"], last).WaitAsync(TimeSpan.FromSeconds(30));
        await writer.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains(expected, answer.Out, StringComparison.Ordinal);
    }

    [SharedTheory]
    [InlineData("stats")]
    [InlineData("inspect")]
    public async Task Verb_EveryPeerFile_EndsInWords(string verb)
    {
        string[] files = [.. Directory.EnumerateFiles(Repository.SharedPath("data", "peer_inputs"), "*", SearchOption.AllDirectories)];
        Answer answer = await Genoseq.RunAsync(Repository.Root, ["data", verb, "--json", .. files]);
        Assert.Contains(answer.ExitCode, (int[])[0, 3]);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
        int counted = answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
        int refused = answer.Error.Split('\n').Count(l => l.Contains(": error: ", StringComparison.Ordinal));
        Assert.Equal(files.Length + (verb == "stats" ? 1 : 0), counted + refused);
    }

    [Fact]
    public async Task Inspect_GzipFasta_SaysWhatItIs()
    {
        Answer answer = await Genoseq.InProcessAsync("data", "inspect", "--json", Path.Combine(Repository.Root, "data", "phix174.fa.gz"));
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains("\"format\":\"fasta\",\"compression\":\"", answer.Out, StringComparison.Ordinal);
        Assert.Contains("\"line_ends\":\"LF\"", answer.Out, StringComparison.Ordinal);
    }

    private static (int, int, double, int, int, int, double, int, int) Values(JsonElement l) => (
        l.GetProperty("sequences").GetInt32(), l.GetProperty("bases").GetInt32(), l.GetProperty("gc").GetDouble(), l.GetProperty("n").GetInt32(),
        l.GetProperty("soft_masked").GetInt32(), l.GetProperty("min").GetInt32(), l.GetProperty("mean").GetDouble(), l.GetProperty("max").GetInt32(),
        l.GetProperty("n50").GetInt32());
}
