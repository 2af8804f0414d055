using System.Diagnostics;
using System.Net.Sockets;

namespace GenoSeq.Training.Distributed;

/// <summary>
/// One rank's share of the watch: a thread that says that the process lives and how far it is, and that ends the process when
/// another rank is lost, also while its main thread waits inside a collective.
/// </summary>
internal sealed class RankMonitor : IDisposable
{
    // The others end a little behind the one that failed, so that who looks at them from outside sees the first one first.
    private static readonly TimeSpan s_behind = TimeSpan.FromMilliseconds(300);

    // In which a process that failed can end by itself.
    private static readonly TimeSpan s_unwinding = TimeSpan.FromSeconds(10);

    /// <summary>A count of calls is the step's number, and in so many bits below it the calls within it.</summary>
    internal const int CallBits = 32;

    private readonly int _rank;
    private readonly RankWatch _watch;
    private readonly RankLine _line;
    private readonly TimeSpan _beat;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _answered = new();
    private string _doing = "the start";
    private long _calls;
    private long _ticks;
    private long _waits;
    private volatile bool _failed;
    private volatile bool _closing;

    /// <summary>Connects to the hub and begins.</summary>
    /// <param name="rank">This rank.</param>
    /// <param name="host">The hub's host.</param>
    /// <param name="port">The hub's port.</param>
    /// <param name="secret">What the hub wants to hear.</param>
    /// <param name="watch">What to do.</param>
    /// <exception cref="SocketException">There is no hub.</exception>
    internal RankMonitor(int rank, string host, int port, string secret, RankWatch watch)
    {
        (_rank, _watch) = (rank, watch);
        _beat = BeatOf(watch.Timeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(host, port);
            socket.NoDelay = true;
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        _line = new RankLine(socket);
        _line.Send(FormattableString.Invariant($"HELLO {rank} {secret}"));
        _thread = new Thread(Run) { IsBackground = true, Name = "rank monitor", Priority = ThreadPriority.AboveNormal };
        _thread.Start();
    }

    /// <summary>How often a rank says that it lives.</summary>
    internal static TimeSpan BeatOf(TimeSpan timeout) =>
        TimeSpan.FromMilliseconds(Math.Clamp(timeout.TotalMilliseconds / 8, 20, 2000));

    /// <summary>This rank comes to a call in which it waits for others, or leaves it. Cheap.</summary>
    internal void Waits(bool begins)
    {
        Interlocked.Exchange(ref _waits, begins ? 1 : 0);
        Interlocked.Increment(ref _calls);
    }

    /// <summary>This rank works, and has done another part of it. Cheap.</summary>
    internal void Works() => Interlocked.Increment(ref _ticks);

    /// <summary>This rank begins something else, in words that continue "failed at": such as <c>step 12</c>.</summary>
    internal void Moved(string doing)
    {
        Volatile.Write(ref _doing, doing);
        Interlocked.Exchange(ref _calls, ((Interlocked.Read(ref _calls) >> CallBits) + 1) << CallBits);
    }

    /// <summary>
    /// Tells the others that this rank fails, and of what; returns when they know. An exception that is likely to come of another
    /// rank's end gives that one's reason time to arrive, which then ends this process.
    /// </summary>
    /// <param name="error">What happened.</param>
    /// <param name="follows">True when another rank probably failed first.</param>
    /// <returns>Whether the others have heard it.</returns>
    internal bool Fail(Exception error, bool follows)
    {
        if (follows)
        {
            Thread.Sleep(TimeSpan.FromSeconds(Math.Min(5, _watch.Timeout.TotalSeconds)));
        }

        _failed = true;
        string what = error.Message.Length > 0 ? error.Message.Split('\n')[0].TrimEnd('.') : error.GetType().Name;
        int code = _watch.CodeOf(error);
        _line.Send(FormattableString.Invariant($"FAIL {code} {_doing}\t{what}"));
        bool heard = _answered.Wait(TimeSpan.FromSeconds(5));

        // Unwinding waits for exchanges under way, whose other side may be gone without a trace.
        new Thread(() =>
        {
            Thread.Sleep(s_unwinding);
            End(code, $"rank {_rank} failed at {_doing}: {what}");
        })
        { IsBackground = true, Name = "rank end" }.Start();
        return heard;
    }

    private void Run()
    {
        long heard = Stopwatch.GetTimestamp();
        long last = heard;
        while (!_closing)
        {
            _line.Send(FormattableString.Invariant($"BEAT {Interlocked.Read(ref _calls)} {Interlocked.Read(ref _ticks)} {Interlocked.Read(ref _waits)}"));
            bool more;
            try
            {
                more = _line.Socket.Poll(_beat, SelectMode.SelectRead);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            long now = Stopwatch.GetTimestamp();
            if (more)
            {
                List<string>? lines = _line.Receive();
                if (lines is null)
                {
                    if (!_closing)
                    {
                        End(1, $"rank 0 failed at {RankHub.Doing}: its process ended without a word");
                    }

                    return;
                }

                heard = now;
                foreach (string line in lines)
                {
                    if (!Hear(line))
                    {
                        return;
                    }
                }
            }
            else if (Stopwatch.GetElapsedTime(last, now) > (5 * _beat) + TimeSpan.FromSeconds(1))
            {
                // This process itself was stopped meanwhile.
                heard = now;
            }
            else if (Stopwatch.GetElapsedTime(heard, now) > _watch.Timeout + (2 * _beat))
            {
                End(1, FormattableString.Invariant(
                    $"rank 0 failed at {RankHub.Doing}: it has not answered for {_watch.Timeout.TotalSeconds:0.###} s, stopped or cut off"));
                return;
            }

            last = now;
        }
    }

    // False when there is nothing more to hear.
    private bool Hear(string line)
    {
        (string word, long[] numbers, string text) = RankLine.Split(line, line.StartsWith("END ", StringComparison.Ordinal) ? 2 : 0);
        switch (word)
        {
            case "BEAT":
                return true;
            case "END":
                if (_failed && numbers[1] == _rank)
                {
                    _answered.Set();
                    return true;
                }

                End((int)numbers[0], text);
                return false;
            default:
                return word != "CLOSE";
        }
    }

    private void End(int code, string sentence)
    {
        if (_closing)
        {
            return;
        }

        _watch.Tell(sentence.Replace(RankHub.Doing, Volatile.Read(ref _doing), StringComparison.Ordinal), code);
        Thread.Sleep(s_behind);
        _watch.Exit(code);
    }

    /// <summary>Leaves in good order: what happens to this process from now on concerns nobody.</summary>
    public void Dispose()
    {
        if (!_closing)
        {
            _closing = true;
            _line.Send("BYE");
            _thread.Join(TimeSpan.FromSeconds(1));
            _line.Dispose();
            _answered.Dispose();
        }
    }
}
