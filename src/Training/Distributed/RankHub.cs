using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace GenoSeq.Training.Distributed;

/// <summary>
/// Where the monitors of all ranks are connected, on a thread of its own in rank 0's process: it sees at once when a process
/// ends, and within the timeout when one no longer answers or moves, and tells all the same sentence.
/// </summary>
/// <remarks>
/// Of ranks that stand still the guilty one is at an earlier step, or does not wait while the others do, or has made fewer calls:
/// nobody is blamed for waiting.
/// </remarks>
internal sealed class RankHub : IDisposable
{
    /// <summary>
    /// Stands in a sentence for what a lost rank was at. Whoever hears it knows that better than the last beat of that rank: nobody
    /// can be a step ahead of another.
    /// </summary>
    internal const string Doing = "\u0001";

    private readonly Socket _listener;
    private readonly List<RankLine> _strangers = [];
    private readonly RankSeat[] _ranks;
    private readonly TimeSpan _timeout;
    private readonly TimeSpan _arrival;
    private readonly TimeSpan _beat;
    private readonly Thread _thread;
    private volatile bool _closing;
    private string? _verdict;

    /// <summary>Begins to listen.</summary>
    /// <param name="worldSize">Number of ranks.</param>
    /// <param name="loopback">True when all are on this host.</param>
    /// <param name="watch">After how long a rank is lost.</param>
    internal RankHub(int worldSize, bool loopback, RankWatch watch)
    {
        (_timeout, _arrival) = (watch.Timeout, watch.Arrival);
        _beat = RankMonitor.BeatOf(_timeout);
        long now = Stopwatch.GetTimestamp();
        _ranks = [.. Enumerable.Range(0, worldSize).Select(r => new RankSeat { Rank = r, Heard = now, Moved = now })];
        bool both = !loopback && Socket.OSSupportsIPv6;
        _listener = new Socket(both ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (both)
        {
            _listener.DualMode = true;
        }

        _listener.Bind(new IPEndPoint(loopback ? IPAddress.Loopback : both ? IPAddress.IPv6Any : IPAddress.Any, 0));
        _listener.Listen(1024);
        _listener.Blocking = false;
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _thread = new Thread(Run) { IsBackground = true, Name = "rank hub", Priority = ThreadPriority.AboveNormal };
        _thread.Start();
    }

    /// <summary>Where it listens.</summary>
    internal int Port { get; }

    /// <summary>What a rank must say to be let in.</summary>
    internal string Secret { get; } = Guid.NewGuid().ToString("N");

    private void Run()
    {
        long last = Stopwatch.GetTimestamp();
        long beaten = last;
        while (!_closing)
        {
            Listen();
            long now = Stopwatch.GetTimestamp();
            TimeSpan gap = Stopwatch.GetElapsedTime(last, now);
            if (gap > (5 * _beat) + TimeSpan.FromSeconds(1))
            {
                // This process itself was stopped: what the others did meanwhile is not known yet.
                Array.ForEach(_ranks, r => (r.Heard, r.Moved) = (now, now));
            }

            last = now;
            if (Stopwatch.GetElapsedTime(beaten, now) >= _beat)
            {
                beaten = now;
                Tell("BEAT");
            }

            Judge(now);
        }

        // The ranks that are still at work go on without a watch.
        Tell("CLOSE");
        Array.ForEach(_ranks, r => r.Line?.Dispose());
        _strangers.ForEach(s => s.Dispose());
        _listener.Dispose();
    }

    private void Listen()
    {
        var ready = new List<Socket> { _listener };
        ready.AddRange(_strangers.Select(s => s.Socket));
        ready.AddRange(_ranks.Where(r => r.Line is not null).Select(r => r.Line!.Socket));
        Socket.Select(ready, null, null, TimeSpan.FromMilliseconds(Math.Min(100, _beat.TotalMilliseconds)));
        if (ready.Contains(_listener))
        {
            try
            {
                _strangers.Add(new RankLine(_listener.Accept()));
            }
            catch (SocketException)
            {
                // It went away again.
            }
        }

        // Before strangers become ranks: what those said is read by then.
        RankSeat[] speaking = [.. _ranks.Where(r => r.Line is not null && ready.Contains(r.Line.Socket))];
        foreach (RankLine stranger in _strangers.Where(s => ready.Contains(s.Socket)).ToArray())
        {
            List<string>? lines = stranger.Receive();
            if (lines is { Count: 0 })
            {
                continue;
            }

            _strangers.Remove(stranger);
            if (lines is null || !Admit(stranger, lines))
            {
                stranger.Dispose();
            }
        }

        foreach (RankSeat seat in speaking)
        {
            if (seat.Line!.Receive() is { } said)
            {
                Hear(seat, said);
                continue;
            }

            seat.Line.Dispose();
            seat.Line = null;
            if (!seat.Done)
            {
                End(1, seat, Doing, "its process ended without a word");
            }
        }
    }

    private bool Admit(RankLine line, List<string> lines)
    {
        (string word, long[] numbers, string secret) = RankLine.Split(lines[0], 1);
        if (word != "HELLO" || secret != Secret || numbers[0] < 0)
        {
            return false;
        }

        bool known = numbers[0] < _ranks.Length;
        if (!known || _ranks[numbers[0]].Line is not null)
        {
            // Not alike at the start: for all the end of the run, and a wrong way of starting it.
            _verdict ??= FormattableString.Invariant($"END 2 {numbers[0]} the ranks do not agree: ") + (known
                ? FormattableString.Invariant($"two processes say that they are rank {numbers[0]}")
                : FormattableString.Invariant($"world size is {_ranks.Length} on rank 0, and rank {numbers[0]} came"));
            Tell(_verdict);
            line.Send(_verdict);
            return false;
        }

        RankSeat seat = _ranks[numbers[0]];
        seat.Line = line;
        Hear(seat, lines[1..]);
        if (_verdict is not null)
        {
            line.Send(_verdict);
        }

        return true;
    }

    private void Hear(RankSeat seat, List<string> lines)
    {
        long now = Stopwatch.GetTimestamp();
        seat.Heard = now;
        foreach (string line in lines)
        {
            (string word, long[] numbers, string text) = RankLine.Split(line, line.StartsWith("BEAT", StringComparison.Ordinal) ? 3 : 1);
            switch (word)
            {
                case "BEAT":
                    if (numbers[0] != seat.Calls || numbers[1] != seat.Ticks)
                    {
                        (seat.Calls, seat.Ticks, seat.Moved) = (numbers[0], numbers[1], now);
                    }

                    seat.Waits = numbers[2] != 0;
                    break;
                case "FAIL":
                    string[] parts = text.Split('\t', 2);
                    End((int)numbers[0], seat, parts[0], parts[^1]);
                    break;
                case "BYE":
                    seat.Done = true;
                    break;
            }
        }
    }

    private void Judge(long now)
    {
        if (_verdict is not null)
        {
            return;
        }

        RankSeat[] present = [.. _ranks.Where(r => !r.Done)];
        foreach (RankSeat seat in present.Where(r => Stopwatch.GetElapsedTime(r.Heard, now) > (r.Line is null ? _arrival : _timeout)))
        {
            End(1, seat, Doing, seat.Line is null
                ? FormattableString.Invariant($"it did not come within {_arrival.TotalSeconds:0.###} s")
                : FormattableString.Invariant($"it has not answered for {_timeout.TotalSeconds:0.###} s, stopped or cut off"));
            return;
        }

        if (present.Length == 0)
        {
            return;
        }

        // Those that are at the earliest step; of these, who does not wait; of these, who has made the fewest calls.
        long step = present.Min(r => r.Calls >> RankMonitor.CallBits);
        RankSeat[] earliest = [.. present.Where(r => r.Calls >> RankMonitor.CallBits == step)];
        RankSeat[] working = [.. earliest.Where(r => !r.Waits)];
        RankSeat[] guilty = working.Length > 0 ? working : earliest;
        long calls = guilty.Min(r => r.Calls);
        RankSeat[] last = [.. guilty.Where(r => r.Calls == calls)];

        // Who does not answer either is not blamed for standing still: the time for an answer ends a beat or two later.
        if (Array.TrueForAll(last, r => r.Line is not null && Stopwatch.GetElapsedTime(r.Moved, now) > _timeout && Stopwatch.GetElapsedTime(r.Heard, now) < 3 * _beat))
        {
            string others = last.Length == present.Length ? "and so do all others"
                : last.Length == 1 ? "and the others wait for it"
                : $"as do ranks {RankAgreement.Name(last[1..].Select(r => r.Rank))}, and the others wait for them";
            End(1, last[0], Doing, FormattableString.Invariant($"it has not moved for {_timeout.TotalSeconds:0.###} s, {others}"));
        }
    }

    private void End(int code, RankSeat seat, string doing, string text)
    {
        if (_verdict is null)
        {
            _verdict = FormattableString.Invariant($"END {code} {seat.Rank} rank {seat.Rank} failed at {doing}: {text}");
            Tell(_verdict);
        }
    }

    private void Tell(string line)
    {
        foreach (RankSeat seat in _ranks)
        {
            seat.Line?.Send(line);
        }
    }

    /// <summary>Ends the watch in good order.</summary>
    public void Dispose()
    {
        _closing = true;
        _thread.Join();
    }

    // What is known of a rank.
    private sealed class RankSeat
    {
        public int Rank { get; init; }

        public RankLine? Line { get; set; }

        public long Heard { get; set; }

        public long Moved { get; set; }

        public long Calls { get; set; } = -1;

        public long Ticks { get; set; }

        public bool Waits { get; set; }

        public bool Done { get; set; }
    }
}
