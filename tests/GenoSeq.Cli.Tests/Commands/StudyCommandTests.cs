using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary><c>genoseq study</c>, in this process and as processes.</summary>
public sealed class StudyCommandTests
{
    private const string Study = """
        name: tiny
        title: Tiny study
        seeds: [1, 2]
        metrics: [{ name: accuracy, higher: true }]
        plots: [{ title: Accuracy, metric: accuracy, x: model }]
        claims:
          - { name: better, text: Attention recalls better., source: ours, metric: accuracy, of: { model: transformer }, against: { model: mamba } }
        base:
          kind: task
          model: { d_model: 8, n_layer: 1, attention: { n_head: 1 } }
          task: { kind: recall, length: 64, pairs: 2, key_width: 2 }
          train: { global_batch_size: 256 }
          budget: { tokens: 1024 }
          evaluate: { curve_points: 2, curve_tokens: 256, tokens: 256 }
        models:
          - { name: mamba, model.layout: mamba }
          - { name: transformer, model.layout: attention, model.mlp: { d_ff: 16 } }
        """;

    [Fact]
    public async Task Study_FromFileToReport_SaysVerdictsAndCodes()
    {
        using var work = new Workspace();
        string study = work["study.yaml"], @out = work["out"];
        File.WriteAllText(study, Study);
        Answer plan = await Genoseq.InProcessAsync("study", study, "--out", @out, "--dry-run");
        Assert.Equal(ExitCodes.Ok, plan.ExitCode);
        Assert.Contains("4 cells, 0 of them finished", plan.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(@out));
        Assert.Equal(ExitCodes.Usage, (await Genoseq.InProcessAsync("study", study, "--out", @out, "--report")).ExitCode);

        Answer some = await Genoseq.InProcessAsync("study", study, "--out", @out, "--model", "mamba");
        Assert.Equal(ExitCodes.Ok, some.ExitCode);
        Assert.Contains("not measured", some.Out, StringComparison.OrdinalIgnoreCase);

        Answer all = await Genoseq.InProcessAsync("study", study, "--out", @out);
        Assert.Equal(ExitCodes.Ok, all.ExitCode);
        Assert.Contains("4 of 4 cells are finished", all.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("not measured", all.Out, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("better: ", all.Out, StringComparison.Ordinal);
        Assert.All((string[])["report.md", "report.json", "index.html"], f => Assert.True(File.Exists(Path.Combine(@out, f)), f));
        Assert.Equal(all.Out, (await Genoseq.InProcessAsync("study", study, "--out", @out, "--report")).Out);

        Answer index = await Genoseq.InProcessAsync("study", work.Folder);
        Assert.Equal(ExitCodes.Ok, index.ExitCode);
        Assert.Contains("Tiny study", File.ReadAllText(work["index.html"]), StringComparison.Ordinal);

        Answer other = await Genoseq.InProcessAsync("study", study, "--out", @out, "base.task.pairs=3");
        Assert.Equal(ExitCodes.Usage, other.ExitCode);
        Assert.Contains("task.pairs was 2 and is 3", other.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere.yaml", "there is no such study")]
    [InlineData("study.yaml", "has no model 'mambo'", "--model", "mambo")]
    [InlineData("study.yaml", "--jobs is 0", "--jobs", "0")]
    public async Task Study_WrongWords_AreUsage(string file, string what, params string[] words)
    {
        using var work = new Workspace();
        File.WriteAllText(work["study.yaml"], Study);
        Assert.Equal(ExitCodes.Usage, (await Genoseq.InProcessAsync("study", work[file])).ExitCode);
        Answer answer = await Genoseq.InProcessAsync(["study", work[file], "--out", work["out"], .. words]);
        Assert.Equal(ExitCodes.Usage, answer.ExitCode);
        Assert.Contains(what, answer.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(work["out"]));
    }

    [Fact]
    [Trait("Category", "Processes")]
    public async Task Study_StoppedAndStartedAgainWithJobs_GoesOn()
    {
        using var work = new Workspace();
        File.WriteAllText(work["study.yaml"], Study);
        // A cell that takes hundreds of steps, and two seconds to do them in.
        string[] words = ["study", "study.yaml", "--out", "out", "base.budget.tokens=300000"];
        Answer stopped = await Genoseq.RunAsync(work.Folder, [.. words, "--max-seconds", "2"]);
        Assert.Equal(ExitCodes.Interrupted, stopped.ExitCode);
        Assert.Contains("the same command repeats none of them", stopped.Error, StringComparison.Ordinal);
        Answer again = await Genoseq.RunAsync(work.Folder, [.. words, "--jobs", "2"]);
        Assert.True(again.ExitCode == ExitCodes.Ok, again.Error);
        Assert.Contains("[job 1] ", again.Error, StringComparison.Ordinal);
        Assert.Contains("4 of 4 cells are finished", again.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.Exists(work["out/work"]) ? Directory.GetFiles(work["out/work"], "*", SearchOption.AllDirectories) : []);
    }
}
