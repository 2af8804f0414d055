using System.Diagnostics;
using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("mamba-tiny", "2026-11-22_1430_mamba-tiny_s42")]
    [InlineData("a b/c", "2026-11-22_1430_a-b-c_s42")]
    [InlineData("", "2026-11-22_1430_run_s42")]
    public void NameOf_Run_IsTimeNameSeed(string name, string expected) =>
        Assert.Equal(expected, RunFolder.NameOf(new DateTime(2026, 11, 22, 14, 30, 59), name, 42));

    [Fact]
    public void CreateBelow_NameTaken_CountsUp()
    {
        DateTime time = new(2026, 1, 2, 3, 4, 5);
        using RunFolder first = RunFolder.CreateBelow(_temporary["runs"], time, "x", 1);
        using RunFolder second = RunFolder.CreateBelow(_temporary["runs"], time, "x", 1);
        Assert.Equal(_temporary["runs/2026-01-02_0304_x_s1"], first.FullPath);
        Assert.Equal(_temporary["runs/2026-01-02_0304_x_s1-2"], second.FullPath);
    }

    [Fact]
    public void Files_Written_AreAllThereAndNothingElse()
    {
        using (RunFolder run = RunFolder.Create(_temporary["run"]))
        {
            run.WriteConfig("a: 1");
            run.WriteConfig("a: 2");
            run.WriteOverrides(["train.steps=500", "model.layout=M M A", "x=[a: b]"]);
            run.WriteCommand(["genoseq", "pretrain", "model.layout=M M A", "it's"]);
            run.WriteEnvironment(EnvironmentInfo.Collect("0.1.0", 2));
            run.WriteDataManifest(new JsonObject { ["files"] = new JsonArray() });
            run.WriteSummary(new JsonObject { ["exit"] = "done" });
            run.Log("first");
            run.Log("second");
            using MetricsWriter metrics = MetricsWriter.Create(run.MetricsPath);
        }

        string[] names = [.. Directory.EnumerateFileSystemEntries(_temporary["run"]).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal)];
        Assert.Equal(
            [".lock", "checkpoints", "command.txt", "config.yaml", "data_manifest.json", "environment.json", "log.txt", "metrics.jsonl", "overrides.yaml", "summary.json"],
            names);
        Assert.Equal("a: 2\n", File.ReadAllText(_temporary["run/config.yaml"]));
        Assert.Equal("genoseq pretrain 'model.layout=M M A' 'it'\\''s'\n", File.ReadAllText(_temporary["run/command.txt"]));
        JsonObject overrides = ConfigTree.ParseYaml("o:\n" + File.ReadAllText(_temporary["run/overrides.yaml"]), "o").ToNode();
        Assert.Equal("""["train.steps=500","model.layout=M M A","x=[a: b]"]""", overrides["o"]!.ToJsonString());
        Assert.Equal("0.1.0", (string?)JsonNode.Parse(File.ReadAllText(_temporary["run/environment.json"]))!["version"]);
        string[] log = File.ReadAllLines(_temporary["run/log.txt"]);
        Assert.Equal(2, log.Length);
        Assert.EndsWith("Z first", log[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Create_ForeignFolder_IsRefusedAndUntouched()
    {
        Directory.CreateDirectory(_temporary["home"]);
        File.WriteAllText(_temporary["home/thesis.tex"], "x");
        foreach (Func<string, RunFolder> make in new Func<string, RunFolder>[] { RunFolder.Create, RunFolder.Open })
        {
            RunFolderException error = Assert.Throws<RunFolderException>(() => make(_temporary["home"]));
            Assert.Contains("thesis.tex", error.What, StringComparison.Ordinal);
            Assert.Equal(_temporary["home"], error.Where);
        }

        Assert.Equal([_temporary["home/thesis.tex"]], Directory.GetFileSystemEntries(_temporary["home"]));
    }

    [Fact]
    public void Create_FolderOfARun_IsRefusedButOpens()
    {
        using (RunFolder run = RunFolder.Create(_temporary["run"]))
        {
            run.WriteConfig("a: 1");
        }

        File.WriteAllText(_temporary["run/notes.txt"], "a user's own file");
        Assert.Contains("--resume", Assert.Throws<RunFolderException>(() => RunFolder.Create(_temporary["run"])).Try, StringComparison.Ordinal);
        using RunFolder again = RunFolder.Open(_temporary["run"]);
        Assert.Equal(_temporary["run"], again.FullPath);
    }

    [Fact]
    public void Create_FileInTheWay_IsRefused()
    {
        File.WriteAllText(_temporary["file"], "x");
        Assert.Throws<RunFolderException>(() => RunFolder.Create(_temporary["file"]));
    }

    [Fact]
    public void Open_NoRun_IsRefused()
    {
        Assert.Throws<RunFolderException>(() => RunFolder.Open(_temporary["absent"]));
        Assert.False(Directory.Exists(_temporary["absent"]));
    }

    [Fact]
    public void Open_WhileHeld_NamesTheHolder()
    {
        using RunFolder run = RunFolder.Create(_temporary["run"]);
        run.WriteConfig("a: 1");
        RunFolderException error = Assert.Throws<RunFolderException>(() => RunFolder.Open(_temporary["run"]));
        Assert.Contains($"pid {Environment.ProcessId} ", error.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_LockOfADeadProcess_IsTakenOver()
    {
        Directory.CreateDirectory(_temporary["run"]);
        using Process dead = Process.Start("sleep", "30");
        string holder = RunLock.Describe(dead.Id);
        dead.Kill();
        dead.WaitForExit();
        File.WriteAllText(_temporary["run/config.yaml"], "a: 1\n");
        File.WriteAllText(_temporary["run/.holder"], holder + "\n");
        using RunFolder run = RunFolder.Open(_temporary["run"]);
        Assert.Equal(RunLock.Describe(Environment.ProcessId) + "\n", File.ReadAllText(_temporary["run/.holder"]));
    }

    [Fact]
    public void Open_LockTextOfALiveProcess_IsRefusedEvenWithoutFileLocks()
    {
        Directory.CreateDirectory(_temporary["run"]);
        using Process live = Process.Start("sleep", "30");
        try
        {
            File.WriteAllText(_temporary["run/config.yaml"], "a: 1\n");
            File.WriteAllText(_temporary["run/.holder"], RunLock.Describe(live.Id) + "\n");
            Assert.Contains($"pid {live.Id} ", Assert.Throws<RunFolderException>(() => RunFolder.Open(_temporary["run"])).What, StringComparison.Ordinal);
        }
        finally
        {
            live.Kill();
        }
    }

    [Fact]
    public void WriteText_Failing_LeavesTheOldFileAndNoTemporary()
    {
        using RunFolder run = RunFolder.Create(_temporary["run"]);
        Directory.CreateDirectory(_temporary["run/config.yaml"]);
        Assert.ThrowsAny<Exception>(() => run.WriteConfig("a: 1"));
        Assert.DoesNotContain(Directory.GetFiles(_temporary["run"]), p => p.Contains(".tmp-", StringComparison.Ordinal));
    }
}
