using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>Memory that does not grow, and disks that do not hold.</summary>
public sealed class ResourceTests(ITestOutputHelper output) : IDisposable
{
    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    [Theory]
    [InlineData(300)]
    public Task Pretrain_ManySteps_KeepsItsMemory(int steps) => MemoryStays(steps, 0.02);

    [Fact]
    [Trait("Category", "Slow")]
    public Task Pretrain_ThousandsOfSteps_KeepsItsMemory() => MemoryStays(2000, 0.02);

    [SmallDiskFact]
    public async Task Pretrain_DiskFull_SaysSoAndKeepsTheLastCheckpoint()
    {
        Directory.CreateDirectory(_work["disk"]);
        using var disk = new SmallDisk(_work["disk"], "1m");
        Answer answer = await Genoseq.RunAsync(_work.Folder, "pretrain", "-c", "mlm.yaml", "-o", "disk/run", "checkpoint.every=1", "checkpoint.keep=50",
            "model.d_model=24", "train.validate_every=0");
        Assert.Equal(4, answer.ExitCode);
        string error = Assert.Single(answer.Error.Split('\n'), l => l.StartsWith("genoseq pretrain: error:", StringComparison.Ordinal));
        Assert.Contains("disk is full", error, StringComparison.Ordinal);
        Assert.Contains("\n  expected: ", answer.Error, StringComparison.Ordinal);
        Assert.Contains("\n  try: ", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
        string checkpoints = _work["disk/run/checkpoints"];
        string last = File.ReadAllText(Path.Combine(checkpoints, "last")).Trim();
        Assert.Empty(Directory.EnumerateFileSystemEntries(checkpoints, ".*"));

        // The last checkpoint is whole: elsewhere the run goes on from it.
        using (Process copy = Process.Start("cp", ["-r", _work["disk/run"], _work["moved"]]))
        {
            await copy.WaitForExitAsync();
        }

        Answer rest = await Genoseq.RunAsync(_work.Folder, "pretrain", "-c", "mlm.yaml", "-o", "moved", "checkpoint.every=1", "checkpoint.keep=50",
            "model.d_model=24", "train.validate_every=0");
        Assert.True(rest.ExitCode == 0, rest.Error);
        Assert.Contains($"behind step {int.Parse(last[5..], CultureInfo.InvariantCulture)}", rest.Error, StringComparison.Ordinal);
    }

    private async Task MemoryStays(int steps, double growth)
    {
        using Running running = Genoseq.Start(_work.Folder, [],
        [
            "pretrain", "-c", "mlm.yaml", "-o", "run", "data.context_length=32", "train.global_batch_size=64",
            FormattableString.Invariant($"train.steps={steps}"), "train.validate_every=0", "checkpoint.every=0",
        ]);
        Assert.True(running.WaitUntil(() => Workspace.Lines(_work["run"]) >= 100));
        long before = Resident(running.Id);
        long after = before;
        while (Workspace.Lines(_work["run"]) < steps && !running.HasExited)
        {
            after = Resident(running.Id) is var now and > 0 ? now : after;
            await Task.Delay(5);
        }

        Answer answer = await running.EndAsync(TimeSpan.FromMinutes(2));
        Assert.True(answer.ExitCode == 0, answer.Error);
        output.WriteLine(FormattableString.Invariant($"resident after step 100: {before} KiB; at the end of {steps} steps: {after} KiB ({100.0 * (after - before) / before:F2} %)"));
        Assert.True(after - before < growth * before, $"resident memory grew from {before} to {after} KiB");
    }

    // KiB; 0 when the process is gone.
    private static long Resident(int process)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}

/// <summary>A small file system in memory; only root may mount one.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder;

    internal SmallDisk(string folder, string size)
    {
        _folder = folder;
        if (!Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder))
        {
            throw new IOException("a small tmpfs could not be mounted");
        }
    }

    public void Dispose() => Run("umount", _folder);

    private static bool Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

/// <summary>A test that needs <see cref="SmallDisk"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> s_can = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("genoseq-disk-").FullName;
        try
        {
            using var disk = new SmallDisk(folder, "64k");
            return true;
        }
        catch (Exception error) when (error is IOException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
        finally
        {
            Directory.Delete(folder);
        }
    });

    public SmallDiskFactAttribute()
    {
        if (!s_can.Value)
        {
            Skip = "skipped: mounting a small tmpfs needs root";
        }
    }
}
