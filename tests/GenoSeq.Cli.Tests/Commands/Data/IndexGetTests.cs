using System.Text.Json;

namespace GenoSeq.Cli.Tests.Commands.Data;

/// <summary><c>genoseq data index</c> and <c>genoseq data get</c>.</summary>
public sealed class IndexGetTests : IDisposable
{
    private readonly Workspace _work = new();

    public IndexGetTests() => File.WriteAllText(_work["g.fa"], ">a x\nACGTacgtNN\nGG\n>b\nTTTT\n");

    public void Dispose() => _work.Dispose();

    [Theory]
    [InlineData("index")]
    [InlineData("get")]
    public async Task Help_Verb_HasExamples(string verb)
    {
        Answer answer = await Genoseq.InProcessAsync("data", verb, "--help");
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains($"genoseq data {verb} ", answer.Out[answer.Out.IndexOf("Examples:", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Index_Fasta_WritesThenKeepsThenChecks()
    {
        foreach ((string[] more, string state) in new[] { (Array.Empty<string>(), "written"), ([], "current"), (["--force"], "written"), (["--check"], "ok") })
        {
            Answer answer = await Genoseq.InProcessAsync(["data", "index", _work["g.fa"], "--json", .. more]);
            Assert.True(answer.ExitCode == 0, answer.Error);
            using JsonDocument json = JsonDocument.Parse(answer.Out);
            Assert.Equal(("fasta", 2, 16), (json.RootElement.GetProperty("format").GetString(),
                json.RootElement.GetProperty("sequences").GetInt32(), json.RootElement.GetProperty("bases").GetInt32()));
            JsonElement index = json.RootElement.GetProperty("indexes")[0];
            Assert.Equal((_work["g.fa.fai"], state), (index.GetProperty("path").GetString(), index.GetProperty("state").GetString()));
        }
        Assert.Equal("a\t12\t5\t10\t11\nb\t4\t22\t4\t5\n", File.ReadAllText(_work["g.fa.fai"]));
    }

    [Fact]
    public async Task Index_WhatCannotBeIndexed_ExitsWith3()
    {
        File.WriteAllText(_work["uneven.fa"], ">a\nAC\nACGT\n");
        Answer answer = await Genoseq.InProcessAsync("data", "index", _work["uneven.fa"]);
        Assert.Equal(3, answer.ExitCode);
        Assert.Contains("uneven.fa, line 3", answer.Error, StringComparison.Ordinal);
        Assert.Equal(3, (await Genoseq.InProcessAsync("data", "index", "--check", _work["g.fa"])).ExitCode);
        Assert.Equal(3, (await Genoseq.InProcessAsync("data", "index", _work["absent.fa"])).ExitCode);
    }

    [Fact]
    public async Task Get_RegionsAndBed_PrintFasta()
    {
        Answer answer = await Genoseq.InProcessAsync("data", "get", _work["g.fa"], "b", "a:4-11");
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Equal(">b\nTTTT\n>a:4-11\nTacgtNNG\n", answer.Out);
        Assert.Equal(">a:4-11/rc\nCNNacgtA\n", (await Genoseq.InProcessAsync("data", "get", _work["g.fa"], "a:4-11", "-i")).Out);
        File.WriteAllText(_work["r.bed"], "#c\nb\t1\t3\na\t3\t11\tx\t0\t-\n");
        Assert.Equal(">b:2-3\nTT\n>a:4-11/rc\nCNNacgtA\n", (await Genoseq.InProcessAsync("data", "get", _work["g.fa"], "--bed", _work["r.bed"])).Out);
    }

    [Theory]
    [InlineData("c:1-2", "no contig 'c'")]
    [InlineData("a:13-14", "begins at 13")]
    public async Task Get_BadRegion_ExitsWith3(string region, string words)
    {
        Answer answer = await Genoseq.InProcessAsync("data", "get", _work["g.fa"], region);
        Assert.Equal(3, answer.ExitCode);
        Assert.Contains(words, answer.Error, StringComparison.Ordinal);
        Assert.Empty(answer.Out);
    }

    [ToolFact("samtools")]
    public async Task Get_LongRegions_EqualSamtools()
    {
        string[] regions = ["c1:2-3999", "c2", "c1:3000-9999"];
        Answer answer = await Genoseq.InProcessAsync(["data", "get", _work["genome.fa"], .. regions]);
        using System.Diagnostics.Process samtools = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("samtools", ["faidx", _work["genome.fa"], .. regions]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string expected = await samtools.StandardOutput.ReadToEndAsync();
        await samtools.WaitForExitAsync();
        Assert.Equal(expected, answer.Out);
    }
}
