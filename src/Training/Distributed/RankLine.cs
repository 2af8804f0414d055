using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace GenoSeq.Training.Distributed;

/// <summary>A connection on which ranks and hub exchange lines of text: a word, numbers, and text to the end.</summary>
/// <remarks>
/// <code>
/// rank → hub   HELLO rank secret   BEAT calls ticks waits   FAIL code doing\ttext   BYE
/// hub → rank   BEAT                END code rank text       CLOSE
/// </code>
/// </remarks>
internal sealed class RankLine : IDisposable
{
    private readonly Socket _socket;
    private readonly Lock _sending = new();
    private readonly List<byte> _rest = [];
    private readonly byte[] _buffer = new byte[4096];

    /// <summary>Takes a connection over.</summary>
    internal RankLine(Socket socket)
    {
        // One that is stopped must not hold up whoever asks whether it has said more.
        socket.Blocking = false;
        _socket = socket;
    }

    /// <summary>The socket, for waiting.</summary>
    internal Socket Socket => _socket;

    /// <summary>Sends a line. False when the other side is gone.</summary>
    internal bool Send(string line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(line.ReplaceLineEndings(" ") + "\n");
        lock (_sending)
        {
            try
            {
                // A peer that is stopped reads nothing; a full buffer must not hold up whoever sends. What does not fit is given up.
                return _socket.Poll(TimeSpan.Zero, SelectMode.SelectWrite) && _socket.Send(bytes) == bytes.Length;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    /// <summary>The whole lines that have come, perhaps none; null when the other side is gone. Does not wait.</summary>
    internal List<string>? Receive()
    {
        var lines = new List<string>();
        try
        {
            int n = _socket.Receive(_buffer);
            if (n == 0)
            {
                return null;
            }

            foreach (byte b in _buffer.AsSpan(0, n))
            {
                if (b != (byte)'\n')
                {
                    _rest.Add(b);
                    continue;
                }

                lines.Add(Encoding.UTF8.GetString([.. _rest]));
                _rest.Clear();
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
        {
            return lines;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }

        // Nobody of ours says so much.
        return _rest.Count > 1 << 16 ? null : lines;
    }

    /// <summary>A line's word, so many numbers, and the rest of it. Numbers that are none are -1.</summary>
    internal static (string Word, long[] Numbers, string Text) Split(string line, int numbers)
    {
        string[] parts = line.Split(' ', numbers + 2);
        long Number(int i) => i < parts.Length && long.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out long n) ? n : -1;
        return (parts[0], [.. Enumerable.Range(1, numbers).Select(Number)], parts.Length > numbers + 1 ? parts[^1] : "");
    }

    public void Dispose() => _socket.Dispose();
}
