using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Torch.Tests.Dist;

public sealed class TCPStoreTests
{
    private static readonly TimeSpan s_short = TimeSpan.FromSeconds(1);

    [Fact]
    public void SetGetAdd_AcrossClients_AreShared()
    {
        using var server = new TCPStore("127.0.0.1", 0, 2, true, Ranks.Patience);
        Assert.InRange(server.Port, 1, 65535);
        using var client = new TCPStore("127.0.0.1", server.Port, 2, false, Ranks.Patience);
        Assert.Equal(server.Port, client.Port);
        client.set("name", "Grüße");
        Assert.Equal("Grüße", server.get_string("name"));
        byte[] bytes = [0, 255, 0, 7];
        server.set("bytes", bytes);
        Assert.Equal(bytes, client.get("bytes"));
        server.set("empty", ReadOnlySpan<byte>.Empty);
        Assert.Empty(client.get("empty"));
        Assert.Equal(3, server.add("n", 3));
        Assert.Equal(-2, client.add("n", -5));
    }

    [Fact]
    public void Get_WaitsForTheKey()
    {
        using var server = new TCPStore("127.0.0.1", 0, 2, true, Ranks.Patience);
        using var client = new TCPStore("127.0.0.1", server.Port, 2, false, Ranks.Patience);
        var setter = new Thread(() =>
        {
            Thread.Sleep(200);
            client.set("late", "here");
        });
        setter.Start();
        Assert.Equal("here", server.get_string("late"));
        setter.Join();
    }

    [Fact]
    public void Get_NobodySetsTheKey_TimesOutNamingIt()
    {
        using var server = new TCPStore("127.0.0.1", 0, 1, true, s_short);
        long began = Stopwatch.GetTimestamp();
        var e = Assert.Throws<DistributedException>(() => server.get("never"));
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0.8, 10);
        Assert.Contains("'never'", e.Message, StringComparison.Ordinal);
        Assert.Contains("timeout 1 s", e.Message, StringComparison.Ordinal);
        Assert.Equal(s_short, e.Timeout);
    }

    [Fact]
    public void Connect_NoServer_TimesOutNamingTheAddress()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();
        var e = Assert.Throws<DistributedException>(() => new TCPStore("127.0.0.1", port, 2, false, s_short));
        Assert.Contains($"connecting to the store at 127.0.0.1:{port}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Serve_PortTaken_SaysSo()
    {
        using var first = new TCPStore("127.0.0.1", 0, 2, true, s_short);
        var e = Assert.Throws<DistributedException>(() => new TCPStore("127.0.0.1", first.Port, 2, true, s_short));
        Assert.Contains($"serving the store at 127.0.0.1:{first.Port}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Disposed_IsRefused()
    {
        var store = new TCPStore("127.0.0.1", 0, 1, true, s_short);
        store.Dispose();
        store.Dispose();
        Assert.Throws<ObjectDisposedException>(() => store.set("a", "b"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TCPStore("127.0.0.1", 70000, 1, true, s_short));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TCPStore("127.0.0.1", 0, 1, true, TimeSpan.Zero));
    }
}
