using System.Runtime.InteropServices;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Training.Runs;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>
/// Several processes train what one process trains. A step has five windows, so that neither two nor four ranks get equally
/// many, and passes of one or two windows, of which the last may be smaller.
/// </summary>
public sealed class DataParallelTests : IDisposable
{
    private const int Steps = 50;
    private const double Tolerance = 1e-5;

    private static readonly string[] s_settings =
    [
        "train.steps=50", "train.global_batch_size=320", "train.validate_every=10", "checkpoint.every=10", "train.log_every=1",
        // Buckets of a few hundred numbers: several of them, and parameters larger than one.
        "train.bucket_mib=0.002",
    ];

    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    [Theory]
    [Trait("Category", "Processes")]
    [InlineData("mlm", 4, 1, 1)]
    [InlineData("causal", 2, 1, 1)]
    [InlineData("causal", 4, 0, 2)]
    public Task Pretrain_OnMoreRanks_IsTheRunOfOneProcess(string recipe, int ranks, int zero, int micro) => Pretrain_OnRanks_IsTheRunOfOneProcess(recipe, ranks, zero, micro);

    [Theory]
    [InlineData("mlm", 2, 0, 2)]
    public async Task Pretrain_OnRanks_IsTheRunOfOneProcess(string recipe, int ranks, int zero, int micro)
    {
        string[] command = ["pretrain", "-c", recipe + ".yaml", .. s_settings, $"train.micro_batch_size={micro}", "-o"];
        await RankedRun.RunAsync(_work.Folder, 1, [.. command, "one"]);
        await RankedRun.RunAsync(_work.Folder, ranks, [.. command, "ranks", $"train.zero_stage={zero}"]);
        AssertSame("one", "ranks");
        IReadOnlyList<MetricsLine> lines = MetricsReader.Read(_work["ranks/metrics.jsonl"]);
        Assert.All(lines.Where(l => l.Values.ContainsKey("train/loss")), l =>
        {
            Assert.InRange(l.Values["perf/slowest_rank"], 0, ranks - 1);
            Assert.Equal(l.Values["perf/tokens_per_s"] / ranks, l.Values["perf/tokens_per_s_per_rank"], 1e-6);
            Assert.True(l.Values["perf/communication_ms"] > 0 && l.Values[$"perf/own_ms/rank_{ranks - 1}"] > 0);
        });
    }

    [Theory]
    [Trait("Category", "Processes")]
    [InlineData("mlm", 2, 2)]
    [InlineData("causal", 4, 2)]
    public async Task Pretrain_WithWindowsDividedByPositions_IsTheRunOfOneProcess(string recipe, int ranks, int parts)
    {
        // Windows of 16 and 32 positions at first: the stages' lengths are divided too.
        string[] command = ["pretrain", "-c", recipe + ".yaml", .. s_settings, "train.micro_batch_size=2",
            "train.length_warmup.start_length=16", "train.length_warmup.steps_per_stage=5", "-o"];
        await RankedRun.RunAsync(_work.Folder, 1, [.. command, "one"]);
        await RankedRun.RunAsync(_work.Folder, ranks, [.. command, "ranks", "--context-parallel", $"{parts}", "train.zero_stage=1"]);
        AssertSame("one", "ranks");
    }

    [Fact]
    [Trait("Category", "Processes")]
    public async Task Pretrain_WithFewerWindowsThanRanks_IsTheRunOfOneProcess()
    {
        string[] command = ["pretrain", "-c", "causal.yaml", .. s_settings, "train.global_batch_size=128", "-o"];
        await RankedRun.RunAsync(_work.Folder, 1, [.. command, "one"]);
        await RankedRun.RunAsync(_work.Folder, 3, [.. command, "ranks"]);
        AssertSame("one", "ranks");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Pretrain_ThatDiverges_EndsOnAllRanksWithTheSameWords(int zero)
    {
        using var run = new RankedRun(_work.Folder, 2, "pretrain", "-c", "causal.yaml", "-o", "run", "train.learning_rate=1e30",
            "train.clip_norm=0", $"train.zero_stage={zero}");
        Answer[] answers = await run.EndAsync(1);
        string[] words = [.. answers.Select(a => a.Error.Split('\n').First(l => l.Contains("diverged", StringComparison.Ordinal)))];
        Assert.Contains("training diverged at step", words[0], StringComparison.Ordinal);
        Assert.Contains("is not finite", words[0], StringComparison.Ordinal);
        Assert.Equal(words[0].Split(" (")[0], words[1].Split(" (")[0]);
    }

    [Theory]
    [Trait("Category", "Processes")]
    [InlineData("mlm")]
    [InlineData("causal")]
    public async Task Pretrain_StoppedAndResumedOnFewerRanks_IsTheRunOfOneProcess(string recipe)
    {
        string[] command = ["pretrain", "-c", recipe + ".yaml", .. s_settings, "train.micro_batch_size=2", "-o"];
        await RankedRun.RunAsync(_work.Folder, 1, [.. command, "one"]);
        await StopAsync(4, 8, [.. command, "ranks", "train.zero_stage=1"]);
        int first = Last("ranks");
        await StopAsync(2, first + 8, [.. command, "ranks"]);
        int second = Last("ranks");
        Assert.True(first < second && second < Steps, $"stopped at {first} and {second} of {Steps} steps");
        await RankedRun.RunAsync(_work.Folder, 1, [.. command, "ranks"]);
        AssertSame("one", "ranks");
    }

    // One of the ranks is asked to stop: all do, behind the same step, with a checkpoint.
    private async Task StopAsync(int ranks, int lines, string[] command)
    {
        using var run = new RankedRun(_work.Folder, ranks, command);
        Assert.True(run[0].WaitUntil(() => Workspace.Lines(_work["ranks"]) > lines), "the moment to stop never came");
        run[ranks - 1].Signal("TERM");
        await run.EndAsync(130);
    }

    private int Last(string run) => int.Parse(File.ReadAllText(_work[run + "/checkpoints/last"]).Trim().AsSpan(5), System.Globalization.CultureInfo.InvariantCulture);

    private void AssertSame(string expected, string actual)
    {
        IReadOnlyList<MetricsLine> a = MetricsReader.Read(_work[expected + "/metrics.jsonl"]);
        IReadOnlyList<MetricsLine> b = MetricsReader.Read(_work[actual + "/metrics.jsonl"]);
        Assert.Equal(a.Select(l => (l.Step, l.Tokens)), b.Select(l => (l.Step, l.Tokens)));
        foreach ((MetricsLine x, MetricsLine y) in a.Zip(b))
        {
            foreach (string key in new[] { "train/loss", "val/loss", "val/accuracy", "val/targets", "train/learning_rate" })
            {
                if (x.Values.TryGetValue(key, out double value))
                {
                    Assert.True(Math.Abs(value - y.Values[key]) <= Tolerance, $"{key} of step {x.Step}: {value} became {y.Values[key]}");
                }
            }
        }

        foreach (string file in new[] { "model.safetensors", "optimizer.safetensors" })
        {
            AssertClose($"{expected}/checkpoints/step-{Steps:D6}/{file}", $"{actual}/checkpoints/step-{Steps:D6}/{file}");
        }
    }

    private void AssertClose(string expected, string actual)
    {
        using SafetensorsCheckpoint a = SafetensorsCheckpoint.Open(_work[expected]);
        using SafetensorsCheckpoint b = SafetensorsCheckpoint.Open(_work[actual]);
        foreach (string name in a.Entries.Select(e => e.Name).Where(n => !n.StartsWith("rng.", StringComparison.Ordinal)))
        {
            (float[] x, float[] y) = (Values(a, name), Values(b, name));
            Assert.Equal(x.Length, y.Length);
            Assert.All(x.Zip(y), p => Assert.True(Math.Abs(p.First - p.Second) <= Tolerance, $"{name}: {p.First} became {p.Second}"));
        }
    }

    private static float[] Values(SafetensorsCheckpoint file, string name) =>
        MemoryMarshal.Cast<byte, float>(file.Bytes(name)).ToArray();
}
