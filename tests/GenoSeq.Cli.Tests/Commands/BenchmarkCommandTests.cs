using System.Globalization;
using System.Text;
using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary><c>genoseq benchmark</c> as processes.</summary>
public sealed class BenchmarkCommandTests
{
    private const string Suite = """
        root: .
        seeds: [1]
        resamples: 20
        tasks: [{name: one, path: set.csv}, {name: two, path: set.csv}, {name: three, path: set.csv}]
        recipes: [{name: quick, epochs: 2, batch_sizes: [16]}, {name: endless, epochs: 100000, batch_sizes: [16]}]
        models: [{name: kmer, baseline: kmer, recipe: quick}, {name: cnn, baseline: cnn, recipe: endless}]
        """;

    [Fact]
    [Trait("Category", "Processes")]
    public async Task Benchmark_KilledAndStartedAgainWithJobs_GoesOn()
    {
        using var work = new Workspace();
        Write(work);
        using (Running killed = Genoseq.Start(work.Folder, "benchmark", "suite.yaml", "--out", "out", "models.cnn.recipe=endless"))
        {
            // The CNN's cell would take for ever.
            Assert.True(killed.WaitUntil(() => File.Exists(work["out/curves/one/cnn/seed-1.jsonl"]) || File.Exists(work["out/curves/two/cnn/seed-1.jsonl"])
                || File.Exists(work["out/curves/three/cnn/seed-1.jsonl"])));
            killed.Kill();
            await killed.EndAsync(TimeSpan.FromMinutes(1));
        }

        string[] before = Directory.Exists(work["out/cells"]) ? Directory.GetFiles(work["out/cells"], "*.json", SearchOption.AllDirectories) : [];
        DateTime[] written = Array.ConvertAll(before, File.GetLastWriteTimeUtc);
        Answer answer = await Genoseq.RunAsync(work.Folder, "benchmark", "suite.yaml", "--out", "out", "--jobs", "2", "models.cnn.recipe=quick");
        Assert.True(answer.ExitCode == ExitCodes.Ok, answer.Error);
        Assert.Equal(written, Array.ConvertAll(before, File.GetLastWriteTimeUtc));
        Assert.Equal(6, Directory.GetFiles(work["out/cells"], "seed-1.json", SearchOption.AllDirectories).Length);
        Assert.Contains("[job 1] ", answer.Error, StringComparison.Ordinal);
        Assert.Equal(["task", "----", "one", "two", "three"], answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')[0].Trim('-') is { Length: > 0 } w ? w : "----"));
        Assert.True(File.Exists(work["out/table.html"]));
    }

    [Fact]
    public async Task Benchmark_DryRunTableAndMistakes_SaySo()
    {
        using var work = new Workspace();
        Write(work);
        string suite = work["suite.yaml"], root = $"root={work.Folder}", @out = work["out"];
        Answer plan = await Genoseq.InProcessAsync("benchmark", suite, "--out", @out, "--dry-run", root, "--seed", "1", "--seed", "2");
        Assert.Equal(ExitCodes.Ok, plan.ExitCode);
        Assert.Contains("9 cells, 0 of them finished", plan.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(@out));
        Assert.Equal(ExitCodes.Usage, (await Genoseq.InProcessAsync("benchmark", suite, "--out", @out, "--table", root)).ExitCode);
        Assert.Equal(ExitCodes.BadInput, (await Genoseq.InProcessAsync("benchmark", suite, "--out", @out, "root=/nowhere")).ExitCode);
        Assert.Equal(ExitCodes.Usage, (await Genoseq.InProcessAsync("benchmark", suite, "--out", @out, root, "--task", "four")).ExitCode);
        Answer checkpoint = await Genoseq.InProcessAsync("benchmark", suite, "--out", @out, root, "--checkpoint", "here");
        Assert.Equal(ExitCodes.Usage, checkpoint.ExitCode);
        Assert.Contains("of no model", checkpoint.Error, StringComparison.Ordinal);

        // A failed cell costs the exit code, and no other cell.
        File.WriteAllText(work["one.csv"], "sequence,label,split\nACGT,1,train\nACGT,1,test\n");
        Answer failed = await Genoseq.InProcessAsync("benchmark", suite, "--out", @out, root, "--model", "kmer", "tasks.one.path=one.csv");
        Assert.Equal(ExitCodes.Failed, failed.ExitCode);
        Assert.Contains("2 of 3 cells are finished", failed.Error, StringComparison.Ordinal);
        Answer table = await Genoseq.InProcessAsync("benchmark", suite, "--out", @out, "--table", "root=/nowhere");
        Assert.Equal(ExitCodes.Ok, table.ExitCode);
        Assert.Equal(failed.Out, table.Out);
    }

    private static void Write(Workspace work)
    {
        File.WriteAllText(work["suite.yaml"], Suite);
        var random = new Random(3);
        var text = new StringBuilder("sequence,label,split\n");
        for (int i = 0; i < 100; i++)
        {
            string row = string.Concat(Enumerable.Range(0, 40).Select(_ => random.Next(3) > 0 ? "CA"[i % 2] : "ACGT"[random.Next(4)]));
            text.Append(CultureInfo.InvariantCulture, $"{row},{i % 2},{(i < 60 ? "train" : i < 80 ? "dev" : "test")}\n");
        }

        File.WriteAllText(work["set.csv"], text.ToString());
    }
}
