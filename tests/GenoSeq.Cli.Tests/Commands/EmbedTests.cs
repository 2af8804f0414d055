using System.Diagnostics;
using GenoSeq.Models;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>The verb embed: its words, and an export that is killed.</summary>
public sealed class EmbedTests : IDisposable
{
    private readonly Workspace _work = new();

    public EmbedTests()
    {
        using SequenceModel model = ModelFile.Create(new ModelConfig { DModel = 16, NLayer = 2, Bidirectional = true, RcEquivariant = true });
        ModelFile.Save(model, _work["model"]);
    }

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task Embed_ToTsv_WritesTable()
    {
        Answer answer = await Genoseq.InProcessAsync("embed", _work["genome.fa"], "-c", _work["model"], "-o", _work["out.tsv"], "--bin", "2000", "--strand", "average");

        Assert.True(answer.ExitCode == 0, answer.Error);
        string[] lines = File.ReadAllLines(_work["out.tsv"]);
        Assert.StartsWith("id\tcontig\tstart\tend\tstrand\te0\t", lines[0], StringComparison.Ordinal);
        Assert.Equal(["c1\tc1\t0\t2000", "c1\tc1\t2000\t4000", "c2\tc2\t0\t2000", "c2\tc2\t2000\t3000"], lines.Skip(1).Select(l => string.Join('\t', l.Split('\t').Take(4))));
        Assert.All(lines, l => Assert.Equal(5 + 16, l.Split('\t').Length));
    }

    [Fact]
    public async Task Embed_ToPipe_WritesTableAndEnds()
    {
        Answer answer = await Genoseq.RunAsync(Genoseq.Root, "embed", _work["genome.fa"], "-c", _work["model"], "-o", "-", "--bin", "2000");

        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.DoesNotContain("error", answer.Error, StringComparison.Ordinal);
        Assert.Equal(5, answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Embed_ToReaderThatLeaves_EndsQuietly()
    {
        // A row a base: more than a pipe holds.
        string embed = $"dotnet '{Genoseq.Dll}' embed '{_work["genome.fa"]}' -c '{_work["model"]}' -o - --pool none";
        using var running = new Running(Process.Start(new ProcessStartInfo("bash", ["-c", $"{embed} | head -n 1; exit ${{PIPESTATUS[0]}}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
        Answer answer = await running.EndAsync(TimeSpan.FromMinutes(2));

        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.DoesNotContain("error", answer.Error, StringComparison.Ordinal);
        Assert.StartsWith("id\tcontig", answer.Out, StringComparison.Ordinal);
        Assert.Single(answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData(2, "no layer 9", "--layer", "9")]
    [InlineData(2, "which format", "-o", "out.xyz")]
    [InlineData(2, "no size", "--memory-limit", "much")]
    [InlineData(3, "no contig 'chr9'", "--region", "chr9:1-10")]
    public async Task Embed_WrongOptions_AreNamed(int code, string words, params string[] options)
    {
        Answer answer = await Genoseq.InProcessAsync(["embed", _work["genome.fa"], "-c", _work["model"], .. options]);

        Assert.Equal(code, answer.ExitCode);
        Assert.Contains(words, answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Processes")]
    public async Task Embed_KilledAndResumed_WritesSameFile()
    {
        File.WriteAllText(_work["many.fa"], string.Concat(Enumerable.Range(0, 4000).Select(i => Workspace.Genome(i, 300 + (i % 50)).Replace(">c1", $">s{i}", StringComparison.Ordinal))));
        string[] command = ["embed", "many.fa", "-c", "model", "--batch-bases", "1024", "-t", "1", "-o"];
        Answer whole = await Genoseq.RunAsync(_work.Folder, [.. command, "whole.npz"]);
        Assert.True(whole.ExitCode == 0, whole.Error);

        for (int kill = 0; kill < 2; kill++)
        {
            string commits = _work["killed.npz.embedding/commits"];
            long before = File.Exists(commits) ? new FileInfo(commits).Length : 0;
            using Running running = Genoseq.Start(_work.Folder, [.. command, "killed.npz", "--resume"]);
            Assert.True(running.WaitUntil(() => File.Exists(commits) && new FileInfo(commits).Length > before + 64));
            running.Kill();
            await running.EndAsync(TimeSpan.FromSeconds(30));
        }

        Assert.False(File.Exists(_work["killed.npz"]), "the export was over before it was killed");
        Answer last = await Genoseq.RunAsync(_work.Folder, [.. command, "killed.npz", "--resume"]);
        Assert.True(last.ExitCode == 0, last.Error);
        Assert.Equal(File.ReadAllBytes(_work["whole.npz"]), File.ReadAllBytes(_work["killed.npz"]));
    }
}
