using System.Net;
using System.Net.Sockets;
using GenoSeq.Cli.Console;
using GenoSeq.Cli.Launch;
using GenoSeq.Cli.Tests.Commands;
using GenoSeq.Cli.Tests.Console;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Cli.Tests.Launch;

/// <summary>The launcher's parts, and what it says of wrong words.</summary>
[Trait("Category", "Processes")]
public sealed class LauncherTests
{
    [Fact]
    public void LineSplitter_PiecesOfLines_BecomeWholeLines()
    {
        var lines = new List<string>();
        var splitter = new LineSplitter(lines.Add, null);
        foreach (string piece in new[] { "on", "e\ntw", "o\r\n\nthree\nfo", "ur" })
        {
            splitter.Add(piece);
        }

        Assert.Equal(["one", "two", "", "three"], lines);
        splitter.End();
        Assert.Equal("four", lines[^1]);
    }

    [Fact]
    public void LineSplitter_RedrawnLine_IsShownWhileItStands()
    {
        var lines = new List<string>();
        var live = new List<string>();
        var splitter = new LineSplitter(lines.Add, live.Add);
        splitter.Add("\r\u001b[Kstep 1");
        splitter.Add("\r\u001b[Kstep 2");
        splitter.Add("\r\u001b[Ka word\nstep 2");
        splitter.Add("\r\u001b[Kstep 3\n");
        Assert.Equal(["a word", "step 3"], lines);
        Assert.Equal(["step 1", "step 2", ""], live.Take(3));
    }

    [Fact]
    public void Output_OverALiveLine_BreaksNeither()
    {
        var captured = new Captured(width: 80);
        var output = new LaunchOutput(captured.Streams);
        output.Live("step 1");
        output.Line(3, "a warning");
        output.Live("");
        Assert.Equal("\r\u001b[K[rank 0] step 1\r\u001b[K[rank 3] a warning\n[rank 0] step 1\r\u001b[K", captured.Error);
    }

    [Fact]
    public void ReservedPort_IsFreeForTheStoreAndForNobodyElse()
    {
        using var port = new ReservedPort();
        Assert.Throws<SocketException>(() =>
        {
            using var other = new TcpClient();
            other.Connect(IPAddress.Loopback, port.Number); // nobody listens yet
        });
        using var store = new TCPStore("127.0.0.1", port.Number, 1, true, TimeSpan.FromSeconds(10));
        store.set("a", "b");
        Assert.Equal("b", store.get_string("a"));
    }

    [Fact]
    public void Plan_Environment_SaysWhoARankIs()
    {
        var plan = new LaunchPlan { Processes = 4, Hosts = 2, Host = 1, MasterAddress = "gpu01", MasterPort = 29500, Timeout = 2.5, Threads = 3, Columns = 90, Command = ["pretrain"] };
        Dictionary<string, string> e = plan.Environment(2, 29500).ToDictionary(v => v.Name, v => v.Value);
        Assert.Equal(("6", "2", "8", "gpu01", "29500"), (e["RANK"], e["LOCAL_RANK"], e["WORLD_SIZE"], e["MASTER_ADDR"], e["MASTER_PORT"]));
        Assert.Equal(("2.5", "3"), (e["GENOSEQ_TIMEOUT"], e["GENOSEQ_THREADS"]));
        Assert.False(e.ContainsKey("GENOSEQ_COLUMNS"));
        Assert.Equal("90", (plan with { Host = 0 }).Environment(0, 1).Single(v => v.Name == "GENOSEQ_COLUMNS").Value);
        Assert.Empty(plan.Validate());
    }

    [Theory]
    [InlineData("pretrain --resume never -o x", "pretrain --resume auto -o x")]
    [InlineData("pretrain --resume=never", "pretrain --resume=auto")]
    [InlineData("pretrain --resume runs/a", "pretrain --resume runs/a")]
    public void Plan_StartedAgain_Continues(string first, string second)
    {
        var plan = new LaunchPlan { Processes = 1, Command = first.Split(' ') };
        Assert.Equal(first.Split(' '), plan.Words(0));
        Assert.Equal(second.Split(' '), plan.Words(1));
    }

    [Theory]
    [InlineData("launch --nproc 0 --nnodes 2 --node-rank 2 --restarts -1 --timeout 0 -- pretrain",
        "--nproc is 0", "--node-rank is 2, expected 0 to 1", "--master is missing", "--restarts is -1", "--timeout is 0")]
    [InlineData("launch --nproc 2", "there is nothing to start")]
    [InlineData("launch --nproc 2 -- launch --nproc 2", "launch cannot start itself")]
    [InlineData("launch --nproc 2 --master nowhere -- pretrain", "--master is 'nowhere'")]
    [InlineData("launch -- pretrain", "--nproc")]
    public async Task WrongWords_AreAllNamed(string words, params string[] expected)
    {
        Answer answer = await Genoseq.InProcessAsync(words.Split(' '));
        Assert.Equal(ExitCodes.Usage, answer.ExitCode);
        Assert.All(expected, e => Assert.Contains(e, answer.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AVerbThatFails_EndsAllWithItsCodeAndPrefixedLines()
    {
        using var work = new Workspace();
        Answer answer = await Genoseq.RunAsync(work.Folder, "launch", "--nproc", "2", "--", "pretrain", "-c", "mlm.yaml", "nonsense=1");
        Assert.Equal(2, answer.ExitCode);
        Assert.Contains("[rank 0] genoseq pretrain: error: unknown key 'nonsense'", answer.Error, StringComparison.Ordinal);
        Assert.Contains("[rank 1]   expected: ", answer.Error, StringComparison.Ordinal);
        Assert.Contains("genoseq launch: error: rank ", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DataOfRankZero_GoToStandardOutputAsTheyAre()
    {
        using var work = new Workspace();
        Answer one = await Genoseq.RunAsync(work.Folder, "models");
        Answer two = await Genoseq.RunAsync(work.Folder, "launch", "--nproc", "2", "--", "models");
        Assert.Equal((0, one.Out), (two.ExitCode, two.Out));
    }

    [Fact]
    public async Task SeveralHosts_AreTwoLaunchersThatMeet()
    {
        using var work = new Workspace();
        using var port = new ReservedPort();
        Launched[] hosts = [.. Enumerable.Range(0, 2).Select(h => Launched.Start(work.Folder,
            ["--nproc", "1", "--nnodes", "2", "--node-rank", $"{h}", "--master", $"127.0.0.1:{port.Number}"],
            "pretrain", "-c", "mlm.yaml", "-o", "run", "train.steps=6"))];
        foreach (Launched host in hosts)
        {
            using (host)
            {
                Answer answer = await host.EndAsync();
                Assert.True(answer.ExitCode == 0, answer.Error);
            }
        }

        Assert.Contains("\"world_size\": 2", File.ReadAllText(work["run/summary.json"]), StringComparison.Ordinal);
    }
}
