using System.Net;
using System.Net.Sockets;

namespace GenoSeq.Cli.Launch;

/// <summary>
/// A free port for rank 0's store, kept until the launch is over: bound but not listening, so that nobody is given it, while a
/// socket that allows address reuse, as the store's does, can still be bound to it and listen.
/// </summary>
internal sealed class ReservedPort : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    internal ReservedPort()
    {
        // The runtime sets SO_REUSEADDR on a socket of TCP before it binds it.
        _socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        Number = ((IPEndPoint)_socket.LocalEndPoint!).Port;
    }

    /// <summary>The port.</summary>
    internal int Number { get; }

    public void Dispose() => _socket.Dispose();
}
