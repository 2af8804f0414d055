using System.Text;
using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Launch;

/// <summary>
/// What the ranks say, on one standard error: whole lines, each with its rank before it, over the line that rank 0 redraws.
/// Thread-safe.
/// </summary>
/// <param name="streams">Where to.</param>
/// <param name="what">What the processes are called.</param>
internal sealed class LaunchOutput(ConsoleStreams streams, string what = "rank")
{
    private const string ClearLine = "\r\u001b[K";
    private readonly Lock _gate = new();
    private string _live = "";

    /// <summary>The words before a line of a rank.</summary>
    internal static string Prefix(int rank, string what = "rank") => FormattableString.Invariant($"[{what} {rank}] ");

    /// <summary>A whole line of a rank.</summary>
    internal void Line(int rank, string text)
    {
        lock (_gate)
        {
            // Over the live line, which then moves one down.
            string line = Prefix(rank, what) + text + "\n";
            streams.Error.Write(_live.Length > 0 ? ClearLine + line + _live : line);
            streams.Error.Flush();
        }
    }

    /// <summary>The line that rank 0 redraws; empty: none.</summary>
    internal void Live(string text)
    {
        lock (_gate)
        {
            string line = text.Length > 0 ? Prefix(0, what) + text : "";
            if (line != _live)
            {
                streams.Error.Write(ClearLine + line);
                streams.Error.Flush();
                _live = line;
            }
        }
    }

    /// <summary>Data, which only rank 0 has.</summary>
    internal void Data(string text)
    {
        lock (_gate)
        {
            streams.Out.Write(text);
        }
    }

    /// <summary>Follows a stream of a rank's words to its end.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="stream">Its standard error, or the standard output of a rank that has no data.</param>
    internal void Follow(int rank, Stream stream)
    {
        var lines = new LineSplitter(text => Line(rank, text), live: rank == 0 ? Live : null);
        var decoder = new UTF8Encoding(false).GetDecoder();
        Read(stream, bytes =>
        {
            char[] text = new char[bytes.Length + 1];
            lines.Add(text.AsSpan(0, decoder.GetChars(bytes, text, flush: false)));
        });
        lines.End();
    }

    /// <summary>Follows rank 0's data to their end.</summary>
    internal void FollowData(Stream stream)
    {
        var decoder = new UTF8Encoding(false).GetDecoder();
        Read(stream, bytes =>
        {
            char[] text = new char[bytes.Length + 1];
            Data(new string(text, 0, decoder.GetChars(bytes, text, flush: false)));
        });
        lock (_gate)
        {
            streams.Out.Flush();
        }
    }

    private static void Read(Stream stream, SpanAction take)
    {
        byte[] buffer = new byte[1 << 14];
        try
        {
            for (int n; (n = stream.Read(buffer)) > 0;)
            {
                take(buffer.AsSpan(0, n));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The process is gone, or the reader of our own output is.
        }
    }

    private delegate void SpanAction(ReadOnlySpan<byte> bytes);
}
