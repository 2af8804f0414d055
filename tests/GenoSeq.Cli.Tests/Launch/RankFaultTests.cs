using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using GenoSeq.Cli.Tests.Commands;
using GenoSeq.Training.Runs;

namespace GenoSeq.Cli.Tests.Launch;

/// <summary>Runs of two ranks in which something goes wrong: the promised end, and what continuing makes of it.</summary>
[Trait("Category", "Processes")]
public sealed class RankFaultTests : IDisposable
{
    private static readonly Lazy<Task<double[]>> s_undisturbed = new(UndisturbedAsync);

    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ARankIsKilled_AllEndAndTheRunContinues(int rank)
    {
        using (Launched run = Launched.Start(_work.Folder, ["--nproc", "2", "--timeout", "60"], Pretrain("run")))
        {
            run.Rank(1 - rank);
            int victim = run.Rank(rank);
            Assert.True(run.Launcher.WaitUntil(() => Workspace.Lines(_work["run"]) > 5));
            Launched.Signal(victim, "KILL");
            Answer answer = await run.EndAsync();
            Assert.Equal(137, answer.ExitCode);
            Assert.Matches($"\\[rank {1 - rank}\\] genoseq pretrain: error: rank {rank} failed at [a-z ]+ [0-9]+: its process ended without a word\n", answer.Error);
            Assert.Contains($"genoseq launch: error: rank {rank} was killed (SIGKILL), the first to fail", answer.Error, StringComparison.Ordinal);
            run.AssertNobodyLeft();
        }

        Assert.False(File.Exists(_work["run/summary.json"]));
        await EndsAsUndisturbedAsync("run");
    }

    [Fact]
    public async Task ARankIsKilled_WithRestarts_TheRunEndsAsUndisturbed()
    {
        using Launched run = Launched.Start(_work.Folder, ["--nproc", "2", "--restarts", "2"], [.. Pretrain("run"), "--resume", "never"]);
        int victim = run.Rank(1);
        Assert.True(run.Launcher.WaitUntil(() => Workspace.Lines(_work["run"]) > 5));
        Launched.Signal(victim, "KILL");
        Answer answer = await run.EndAsync();
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Contains("rank 1 was killed (SIGKILL), the first to fail; restart 1 of 2", answer.Error, StringComparison.Ordinal);
        Assert.Contains("continuing", answer.Error, StringComparison.Ordinal);
        AssertCurve(await s_undisturbed.Value, "run");
        run.AssertNobodyLeft();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ARankIsStopped_TheOtherFindsItWithinTheTimeout(int rank)
    {
        using Launched run = Launched.Start(_work.Folder, ["--nproc", "2", "--timeout", "8"], [.. Pretrain("run"), "train.steps=100000"]);
        run.Rank(1 - rank);
        int victim = run.Rank(rank);
        Assert.True(run.Launcher.WaitUntil(() => File.Exists(_work["run/checkpoints/last"])));
        Launched.Signal(victim, "STOP");
        Answer answer = await run.EndAsync();
        Assert.Equal(1, answer.ExitCode);
        Assert.True(Regex.IsMatch(answer.Error, $"rank {rank} failed at [a-z ]+ [0-9]+: it has not answered for 8 s, stopped or cut off\n"), answer.Error);
        run.AssertNobodyLeft();
        string last = File.ReadAllText(_work["run/checkpoints/last"]).Trim();
        Assert.True(File.Exists(_work[$"run/checkpoints/{last}/trainer_state.json"]));
    }

    [Fact]
    public async Task ARankRaises_TheOtherSaysItsWordsWithItsCode()
    {
        (Answer first, Answer second) = await PairAsync(prepare: other => File.Delete(Path.Combine(other, "genome.fa")));
        Assert.Equal((3, 3), (first.ExitCode, second.ExitCode));
        Assert.Contains("genoseq pretrain: error: rank 1 failed at the start: ", first.Error, StringComparison.Ordinal);
        Assert.Contains("genome.fa", first.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("rank 1 failed", second.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_work["run"]));
    }

    [Fact]
    public async Task ARankWithAnotherConfig_IsRefusedOnAllNamingFieldAndRanks()
    {
        (Answer first, Answer second) = await PairAsync(more: ["train.learning_rate=0.02", "train.beta1=0.8"]);
        foreach (Answer answer in new[] { first, second })
        {
            Assert.Equal(2, answer.ExitCode);
            Assert.Contains("error: the ranks do not agree: train.learning_rate is 0.01 on rank 0 and 0.02 on rank 1 (1 more field differs: train.beta1)",
                answer.Error, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(_work["run"]));
    }

    [Fact]
    public async Task ARankWithOtherData_IsRefusedOnAll()
    {
        (Answer first, Answer second) = await PairAsync(prepare: other => File.WriteAllText(Path.Combine(other, "genome.fa"), Workspace.Genome(6, 4000, 3000)));
        foreach (Answer answer in new[] { first, second })
        {
            Assert.Equal(2, answer.ExitCode);
            Assert.Matches("error: the ranks do not agree: digest of the data is [0-9a-f]{64} on rank 0 and [0-9a-f]{64} on rank 1", answer.Error);
        }
    }

    [Fact]
    public async Task TheMastersPortIsTaken_SaysSo()
    {
        using var taken = new TcpListener(IPAddress.Any, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using Launched run = Launched.Start(_work.Folder,
            ["--nproc", "2", "--master", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}")], Pretrain("run"));
        Answer answer = await run.EndAsync();
        Assert.Equal(4, answer.ExitCode);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"since the port is taken (127.0.0.1:{port})"), answer.Error, StringComparison.Ordinal);
        Assert.Contains("try: another port", answer.Error, StringComparison.Ordinal);
    }

    [SmallDiskFact]
    public async Task TheDiskIsFull_AllEndWithItsCodeAndTheLastCheckpointIsWhole()
    {
        Directory.CreateDirectory(_work["disk"]);
        using var disk = new SmallDisk(_work["disk"], "1m");
        string[] more = ["checkpoint.every=1", "checkpoint.keep=50", "model.d_model=24", "train.validate_every=0"];
        using Launched run = Launched.Start(_work.Folder, ["--nproc", "2"], [.. Pretrain("disk/run"), .. more]);
        run.Rank(0);
        run.Rank(1);
        Answer answer = await run.EndAsync();
        Assert.Equal(4, answer.ExitCode);
        Assert.Matches("\\[rank 0\\] genoseq pretrain: error: .*disk is full", answer.Error);
        Assert.Matches("\\[rank 1\\] genoseq pretrain: error: rank 0 failed at checkpoint of step [0-9]+: .*disk is full", answer.Error);
        run.AssertNobodyLeft();
        Directory.CreateDirectory(_work["moved"]);
        using (var copy = System.Diagnostics.Process.Start("cp", ["-r", _work["disk/run"] + "/.", _work["moved"]]))
        {
            await copy.WaitForExitAsync();
        }

        using Launched rest = Launched.Start(_work.Folder, ["--nproc", "2"], [.. Pretrain("moved"), .. more]);
        answer = await rest.EndAsync();
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Contains("behind step", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheLauncherIsKilled_NobodyIsLeft()
    {
        using Launched run = Launched.Start(_work.Folder, ["--nproc", "2"], [.. Pretrain("run"), "train.steps=100000"]);
        run.Rank(0);
        run.Rank(1);
        Assert.True(run.Launcher.WaitUntil(() => Workspace.Lines(_work["run"]) > 2));
        Launched.Signal(run.Launcher.Id, "KILL");
        await run.EndAsync();
        run.AssertNobodyLeft();
    }

    [Fact]
    public async Task TheLauncherIsSignalled_AllCheckpointAndEndWith130()
    {
        using Launched run = Launched.Start(_work.Folder, ["--nproc", "2"], [.. Pretrain("run"), "train.steps=100000"]);
        run.Rank(0);
        run.Rank(1);
        Assert.True(run.Launcher.WaitUntil(() => Workspace.Lines(_work["run"]) > 2));
        Launched.Signal(run.Launcher.Id, "TERM");
        Answer answer = await run.EndAsync();
        Assert.True(answer.ExitCode == 130, answer.Error);
        Assert.Contains("\"interrupted\"", File.ReadAllText(_work["run/summary.json"]), StringComparison.Ordinal);
        Assert.Equal(MetricsReader.Read(_work["run/metrics.jsonl"])[^1].Step,
            long.Parse(File.ReadAllText(_work["run/checkpoints/last"]).Trim()[5..], CultureInfo.InvariantCulture));
        run.AssertNobodyLeft();
    }

    private static string[] Pretrain(string run) => ["pretrain", "-c", "mlm.yaml", "-o", run];

    private static double[] Curve(string run) =>
        [.. MetricsReader.Read(Path.Combine(run, "metrics.jsonl")).Where(l => l.Values.ContainsKey("train/loss")).Select(l => l.Values["train/loss"])];

    private static async Task<double[]> UndisturbedAsync()
    {
        using var work = new Workspace();
        using Launched run = Launched.Start(work.Folder, ["--nproc", "2"], Pretrain("run"));
        Answer answer = await run.EndAsync();
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Equal("", answer.Out);
        Assert.All(answer.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), l => Assert.Matches("^(\\[rank 0\\] |2 ranks|\\[genoseq launch\\] )", l));
        return Curve(work["run"]);
    }

    private async Task EndsAsUndisturbedAsync(string run)
    {
        using Launched rest = Launched.Start(_work.Folder, ["--nproc", "2"], Pretrain(run));
        Answer answer = await rest.EndAsync();
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Contains("continuing", answer.Error, StringComparison.Ordinal);
        AssertCurve(await s_undisturbed.Value, run);
    }

    private void AssertCurve(double[] expected, string run)
    {
        double[] actual = Curve(_work[run]);
        Assert.Equal(30, expected.Length);
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    // Two ranks, of which the second has a folder and words of its own.
    private async Task<(Answer First, Answer Second)> PairAsync(Action<string>? prepare = null, string[]? more = null)
    {
        string other = Directory.CreateDirectory(_work["other"]).FullName;
        File.Copy(_work["genome.fa"], Path.Combine(other, "genome.fa"));
        File.Copy(_work["mlm.yaml"], Path.Combine(other, "mlm.yaml"));
        prepare?.Invoke(other);
        using var port = new Cli.Launch.ReservedPort();
        (string, string)[] Variables(int rank) =>
        [
            ("RANK", rank.ToString(CultureInfo.InvariantCulture)), ("LOCAL_RANK", rank.ToString(CultureInfo.InvariantCulture)), ("WORLD_SIZE", "2"),
            ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", port.Number.ToString(CultureInfo.InvariantCulture)), ("GENOSEQ_TIMEOUT", "60"),
        ];
        using Running first = Genoseq.Start(_work.Folder, Variables(0), Pretrain("run"));
        using Running second = Genoseq.Start(other, Variables(1), [.. Pretrain("run"), .. more ?? []]);
        Answer[] answers = await Task.WhenAll(first.EndAsync(TimeSpan.FromMinutes(2)), second.EndAsync(TimeSpan.FromMinutes(2)));
        Assert.All(answers, a => Assert.DoesNotMatch(new Regex("^   at ", RegexOptions.Multiline), a.Error));
        return (answers[0], answers[1]);
    }
}
