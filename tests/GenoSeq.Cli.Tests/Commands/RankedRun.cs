using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>Processes of the program that train together, as a launcher starts them.</summary>
internal sealed class RankedRun : IDisposable
{
    private readonly Running[] _ranks;

    internal RankedRun(string folder, int ranks, params string[] arguments)
    {
        string port = FreePort().ToString(CultureInfo.InvariantCulture);
        _ranks =
        [
            .. Enumerable.Range(0, ranks).Select(r => Genoseq.Start(folder, ranks == 1 ? [] :
            [
                ("RANK", r.ToString(CultureInfo.InvariantCulture)), ("LOCAL_RANK", r.ToString(CultureInfo.InvariantCulture)),
                ("WORLD_SIZE", ranks.ToString(CultureInfo.InvariantCulture)), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", port),
            ], [.. arguments, "--threads", "1"])),
        ];
    }

    internal Running this[int rank] => _ranks[rank];

    /// <summary>Runs to the end; every rank must have the exit code.</summary>
    internal static async Task RunAsync(string folder, int ranks, params string[] arguments)
    {
        using var run = new RankedRun(folder, ranks, arguments);
        await run.EndAsync(0);
    }

    internal async Task<Answer[]> EndAsync(int code)
    {
        Answer[] answers = await Task.WhenAll(_ranks.Select(r => r.EndAsync(TimeSpan.FromMinutes(3))));
        Assert.All(answers, (a, r) => Assert.True(a.ExitCode == code, $"rank {r} ended with {a.ExitCode}: {a.Error}"));
        return answers;
    }

    public void Dispose() => Array.ForEach(_ranks, r => r.Dispose());

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
