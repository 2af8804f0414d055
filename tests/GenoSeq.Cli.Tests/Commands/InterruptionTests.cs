using GenoSeq.Training.Runs;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>Runs that are ended from outside, and what continuing makes of them.</summary>
public sealed class InterruptionTests : IDisposable
{
    private const string LastWeights = "checkpoints/step-000030/model.safetensors";

    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    [Theory]
    [Trait("Category", "Processes")]
    [InlineData("causal", 12)]
    public Task Pretrain_CausalKilledSeveralTimesAndResumed_EndsAsIfNeverKilled(string recipe, int seed) => Pretrain_KilledSeveralTimesAndResumed_EndsAsIfNeverKilled(recipe, seed);

    [Theory]
    [InlineData("mlm", 11)]
    public async Task Pretrain_KilledSeveralTimesAndResumed_EndsAsIfNeverKilled(string recipe, int seed)
    {
        Answer whole = await Genoseq.RunAsync(_work.Folder, "pretrain", "-c", recipe + ".yaml", "-o", "whole");
        Assert.True(whole.ExitCode == 0, whole.Error);

        var random = new Random(seed);
        string run = _work["killed"];
        int lines = 0;
        for (int kill = 0; kill < 3; kill++)
        {
            // Metrics of a step are on the disk before its checkpoint: a kill at any of them loses some steps.
            int at = lines + random.Next(1, 8);
            KillWhen(recipe, () => Workspace.Lines(run) > at);
            lines = Workspace.Lines(run);
        }

        KillWhen(recipe, () => Directory.Exists(_work["killed/checkpoints"])
            && Directory.EnumerateFileSystemEntries(_work["killed/checkpoints"], ".step-*").Any());
        Assert.False(File.Exists(_work["killed/summary.json"]), "the run was over before it was killed");

        Answer last = await Genoseq.RunAsync(_work.Folder, Command(recipe));
        Assert.True(last.ExitCode == 0, last.Error);
        Assert.Contains("continuing", last.Error, StringComparison.Ordinal);
        AssertSame("whole", "killed");
    }

    [Theory]
    [Trait("Category", "Processes")]
    [InlineData("causal", "INT")]
    public Task Pretrain_CausalSignalled_ChecksPointsExits130AndContinues(string recipe, string signal) => Pretrain_Signalled_ChecksPointsExits130AndContinues(recipe, signal);

    [Theory]
    [InlineData("mlm", "TERM")]
    public async Task Pretrain_Signalled_ChecksPointsExits130AndContinues(string recipe, string signal)
    {
        Answer whole = await Genoseq.RunAsync(_work.Folder, "pretrain", "-c", recipe + ".yaml", "-o", "whole");
        Assert.True(whole.ExitCode == 0, whole.Error);

        int before;
        Answer stopped;
        using (Running running = Genoseq.Start(_work.Folder, Command(recipe)))
        {
            Assert.True(running.WaitUntil(() => Workspace.Lines(_work["killed"]) > 4));
            before = Workspace.Lines(_work["killed"]);
            running.Signal(signal);
            stopped = await running.EndAsync(TimeSpan.FromSeconds(30));
        }

        Assert.Equal(130, stopped.ExitCode);
        Assert.Empty(stopped.Out);
        Assert.Contains("--resume auto", stopped.Error, StringComparison.Ordinal);
        Assert.Contains("\"interrupted\"", File.ReadAllText(_work["killed/summary.json"]), StringComparison.Ordinal);
        string last = File.ReadAllText(_work["killed/checkpoints/last"]).Trim();
        IReadOnlyList<MetricsLine> lines = MetricsReader.Read(_work["killed/metrics.jsonl"]);
        Assert.True(lines.Count >= before);
        Assert.Equal(FormattableString.Invariant($"step-{lines[^1].Step:D6}"), last);

        Answer rest = await Genoseq.RunAsync(_work.Folder, Command(recipe));
        Assert.True(rest.ExitCode == 0, rest.Error);
        AssertSame("whole", "killed");
    }

    [Fact]
    public async Task Pretrain_SignalledTwice_ExitsAtOnce()
    {
        // Steps of seconds: both signals come in the middle of the second one.
        using Running running = Genoseq.Start(_work.Folder, "pretrain", "-c", "mlm.yaml", "-o", "killed",
            "train.global_batch_size=262144", "train.micro_batch_size=64");
        Assert.True(running.WaitUntil(() => Workspace.Lines(_work["killed"]) == 1));
        running.Signal("TERM");
        Thread.Sleep(300);
        Assert.False(running.HasExited, "one signal ended the process in the middle of a step");
        running.Signal("TERM");
        Answer answer = await running.EndAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(130, answer.ExitCode);
        Assert.Contains("stopping now", answer.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_work["killed/checkpoints/last"]));
    }

    private static string[] Command(string recipe) => ["pretrain", "-c", recipe + ".yaml", "-o", "killed", "--resume", "auto"];

    private void KillWhen(string recipe, Func<bool> isSo)
    {
        using Running running = Genoseq.Start(_work.Folder, Command(recipe));
        Assert.True(running.WaitUntil(isSo), "the moment to kill never came");
        running.Kill();
    }

    private void AssertSame(string expected, string actual)
    {
        IReadOnlyList<MetricsLine> a = MetricsReader.Read(_work[expected + "/metrics.jsonl"]);
        IReadOnlyList<MetricsLine> b = MetricsReader.Read(_work[actual + "/metrics.jsonl"]);
        Assert.Equal(35, a.Count);
        Assert.Equal(a.Count, b.Count);
        Assert.All(a.Zip(b), pair => Assert.True(pair.First.EqualsApartFromTime(pair.Second), $"{pair.First} became {pair.Second}"));
        Assert.Equal(File.ReadAllBytes(_work[$"{expected}/{LastWeights}"]), File.ReadAllBytes(_work[$"{actual}/{LastWeights}"]));
        foreach (string pointer in new[] { "best", "last" })
        {
            Assert.Equal(File.ReadAllText(_work[$"{expected}/checkpoints/{pointer}"]), File.ReadAllText(_work[$"{actual}/checkpoints/{pointer}"]));
        }

        Assert.Equal(Entries(expected), Entries(actual));
    }

    // What is there in a run's folder besides the lock: no remains of half-written things either.
    private string[] Entries(string run) =>
    [
        .. Directory.EnumerateFileSystemEntries(_work[run], "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .Select(p => Path.GetRelativePath(_work[run], p)).Where(p => p is not (".lock" or ".holder")).Order(StringComparer.Ordinal),
    ];
}
