using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using GenoSeq.Torch;
using GenoSeq.Training.Distributed;

namespace GenoSeq.Training.Tests.Distributed;

/// <summary>Ranks as threads of one process.</summary>
internal static class Ranks
{
    internal static void Run(int size, Action<RankGroup> body)
    {
        int port = FreePort();
        var errors = new Exception?[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() => errors[rank] = Record.Exception(() =>
        {
            using DisposeScope scope = torch.NewDisposeScope();
            var environment = new DistributedEnvironment { Rank = rank, WorldSize = size, MasterPort = port };
            using RankGroup group = RankGroup.Join(environment, Device.CPU, TimeSpan.FromSeconds(60));
            body(group);
        })))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        // What failed first, rather than who waited for it.
        if (errors.Where(e => e is not null).OrderBy(e => e is DistributedException or RankFailedException).FirstOrDefault() is { } first)
        {
            ExceptionDispatchInfo.Throw(first);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
