using System.Runtime.ExceptionServices;
using static GenoSeq.Torch.torch;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Torch.Tests.Dist;

/// <summary>Ranks as threads of one process, each with its own store client and group.</summary>
internal static class Ranks
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    internal static void Run(int size, Action<ProcessGroup> body, TimeSpan? timeout = null)
    {
        using var server = new TCPStore("127.0.0.1", 0, size, true, Patience);
        var errors = new Exception?[size];
        Thread[] threads = Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            errors[rank] = Record.Exception(() =>
            {
                using DisposeScope scope = NewDisposeScope();
                using var store = new TCPStore("127.0.0.1", server.Port, size, false, Patience);
                using var group = new ProcessGroup(store, "gloo", rank, size, timeout ?? Patience,
                    interface_host: "127.0.0.1");
                body(group);
            });
        })).ToArray();
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        if (Array.Find(errors, e => e is not null) is { } first)
        {
            ExceptionDispatchInfo.Throw(first);
        }
    }
}
