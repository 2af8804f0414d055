using System.Diagnostics;
using System.Globalization;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Torch.Tests.Dist;

/// <summary>Ranks as processes, over the loopback.</summary>
[Trait("Category", "Network")]
public sealed class ProcessTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Processes_ExerciseEveryCollective(int size)
    {
        (int Code, string Output)[] results = Run(size, "exercise", 60);
        Assert.All(results, r => Assert.True(r.Code == 0, r.Output));
        Assert.Equal(Enumerable.Range(0, size).Select(k => $"rank {k} of {size}: ok"),
            results.Select(r => r.Output.Trim()));
    }

    [Fact]
    public void Processes_OneIsKilled_TheOtherSaysWhoAndWhat()
    {
        long began = Stopwatch.GetTimestamp();
        (int Code, string Output)[] results = Run(2, "die", 10);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 30);
        Assert.NotEqual(0, results[1].Code);
        Assert.True(results[0].Code == 3, results[0].Output);
        Assert.StartsWith("rank 0: all_reduce failed after", results[0].Output, StringComparison.Ordinal);
        Assert.Contains("one of them stopped", results[0].Output, StringComparison.Ordinal);
    }

    private static (int Code, string Output)[] Run(int size, string mode, int seconds)
    {
        int port = FreePort();
        Process[] processes = Enumerable.Range(0, size).Select(rank => Start(rank, size, port, mode, seconds)).ToArray();
        return Array.ConvertAll(processes, p =>
        {
            using (p)
            {
                Task<string> errors = p.StandardError.ReadToEndAsync();
                string output = p.StandardOutput.ReadToEnd();
                p.WaitForExit();
                return (p.ExitCode, output + errors.GetAwaiter().GetResult());
            }
        });
    }

    private static Process Start(int rank, int size, int port, string mode, int seconds)
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        string worker = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "GenoSeq.Torch.Worker",
            configuration, "GenoSeq.Torch.Worker.dll"));
        Assert.True(File.Exists(worker), worker);
        var info = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["exec", worker, mode, "gloo", seconds.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment["RANK"] = rank.ToString(CultureInfo.InvariantCulture);
        info.Environment["LOCAL_RANK"] = info.Environment["RANK"];
        info.Environment["WORLD_SIZE"] = size.ToString(CultureInfo.InvariantCulture);
        info.Environment["MASTER_ADDR"] = "127.0.0.1";
        info.Environment["MASTER_PORT"] = port.ToString(CultureInfo.InvariantCulture);
        return Process.Start(info)!;
    }

    private static int FreePort()
    {
        using var store = new TCPStore("127.0.0.1", 0, 1, true, Ranks.Patience);
        return store.Port;
    }
}
