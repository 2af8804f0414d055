using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using GenoSeq.Training.Distributed;

namespace GenoSeq.Training.Tests.Distributed;

/// <summary>The watch of ranks over each other, in one process that nobody ends.</summary>
public sealed class RankMonitorTests
{
    private static readonly TimeSpan s_short = TimeSpan.FromSeconds(1.5);

    [Fact]
    public void ARankThatDoesNotMove_IsBlamedAndNotThoseThatWait()
    {
        using var ranks = new Watched(3, s_short);
        for (int step = 1; step <= 2; step++)
        {
            Array.ForEach(ranks.Monitors, m => m.Moved($"step {step}"));
        }

        // Ranks 0 and 2 go into the sum that rank 1 never reaches.
        ranks.Monitors[0].Waits(true);
        ranks.Monitors[2].Waits(true);
        ranks.AssertAllTold("rank 1 failed at step 2: it has not moved for 1.5 s, and the others wait for it", 1);
    }

    [Fact]
    public void ARankThatMadeFewerCalls_IsBlamedThoughNobodyWaits()
    {
        // As on GPUs, where a wait is put into a queue and the host goes on.
        using var ranks = new Watched(2, s_short);
        Array.ForEach(ranks.Monitors, m => m.Moved("step 3"));
        ranks.Monitors[0].Waits(true);
        ranks.Monitors[0].Waits(false);
        ranks.AssertAllTold("rank 1 failed at step 3: it has not moved for 1.5 s, and the others wait for it", 1);
    }

    [Fact]
    public void ARankAtWork_IsWaitedFor()
    {
        using var ranks = new Watched(2, s_short);
        Array.ForEach(ranks.Monitors, m => m.Moved("validation behind step 3"));
        ranks.Monitors[0].Waits(true);
        long end = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 3);
        while (Stopwatch.GetTimestamp() < end)
        {
            ranks.Monitors[1].Works();
            Thread.Sleep(10);
        }

        Assert.Empty(ranks.Told);
    }

    [Fact]
    public void NobodyMoves_AllAreNamed()
    {
        using var ranks = new Watched(2, s_short);
        Array.ForEach(ranks.Monitors, m => m.Moved("step 9"));
        ranks.AssertAllTold("rank 0 failed at step 9: it has not moved for 1.5 s, and so do all others", 1);
    }

    [Fact]
    public void ARankNeverComes_IsNamed()
    {
        using var ranks = new Watched(3, s_short, absent: 2);
        long end = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 6);
        while (ranks.Told.IsEmpty && Stopwatch.GetTimestamp() < end)
        {
            ranks.Monitors[0].Works();
            ranks.Monitors[1].Works();
            Thread.Sleep(10);
        }

        ranks.AssertAllTold("rank 2 failed at the start: it did not come within 1.5 s", 1);
    }

    /// <summary>It says who it is and that it lives in one breath, as it happens, and is stopped: nobody waits for its next word.</summary>
    [Fact]
    public void ARankIsStoppedAsSoonAsItCame_ItAloneIsBlamed()
    {
        using var ranks = new Watched(2, s_short, absent: 1);
        using Socket stopped = ranks.Connect();
        stopped.Send(Encoding.UTF8.GetBytes("HEL"));
        Thread.Sleep(200);
        stopped.Send(Encoding.UTF8.GetBytes($"LO 1 {ranks.Secret}\nBEAT 0 0 0\n"));
        ranks.AssertAllTold("rank 1 failed at the start: it has not answered for 1.5 s, stopped or cut off", 1);
    }

    [Fact]
    public void ARankFails_TheOthersHearItsWordsAndCode()
    {
        using var ranks = new Watched(3, TimeSpan.FromSeconds(60));
        Array.ForEach(ranks.Monitors, m => m.Moved("step 4"));
        Assert.True(ranks.Monitors[1].Fail(new InvalidOperationException("the cat\nsat on it"), follows: false));
        ranks.AssertAllTold("rank 1 failed at step 4: the cat", 7, but: 1);
    }

    [Fact]
    public void ALeavingRank_IsNoFailure()
    {
        using var ranks = new Watched(3, s_short);
        ranks.Monitors[2].Dispose();
        ranks.Monitors[1].Dispose();
        long end = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 3);
        while (Stopwatch.GetTimestamp() < end)
        {
            ranks.Monitors[0].Works();
            Thread.Sleep(10);
        }

        Assert.Empty(ranks.Told);
    }

    [Fact]
    public void ARankOfAnotherWorld_IsRefusedOnAll()
    {
        using var ranks = new Watched(2, TimeSpan.FromSeconds(60));
        using RankMonitor stranger = ranks.Join(5);
        ranks.AssertAllTold("the ranks do not agree: world size is 2 on rank 0, and rank 5 came", 2);
    }

    [Theory]
    [InlineData(new[] { 0 }, "0")]
    [InlineData(new[] { 3, 1, 2, 7 }, "1-3, 7")]
    public void Ranks_AreNamedInFewWords(int[] ranks, string text) => Assert.Equal(text, RankAgreement.Name(ranks));

    [Fact]
    public void Compare_NamesTheFirstFieldItsValuesAndRanks()
    {
        string[] texts = [.. new[] { ("1", "a"), ("1", "b"), ("2", "a"), ("1", "a") }
            .Select(v => RankAgreement.Write([("program version", v.Item1), ("seed", v.Item2)]))];
        Assert.Equal("the ranks do not agree: program version is 1 on ranks 0-1, 3 and 2 on rank 2 (1 more field differs: seed)", RankAgreement.Compare(texts));
        Assert.Null(RankAgreement.Compare([texts[0], texts[3]]));
        Assert.Equal("the ranks do not agree: x is absent on rank 0 and 1 on rank 1",
            RankAgreement.Compare([RankAgreement.Write([]), RankAgreement.Write([("x", "1")])]));
    }

    // A hub and its monitors, whose exits are noted instead of taken.
    private sealed class Watched : IDisposable
    {
        private readonly RankHub _hub;
        private readonly RankWatch _watch;

        internal Watched(int size, TimeSpan timeout, int absent = -1)
        {
            _watch = new RankWatch { Timeout = timeout, Arrival = timeout };
            _hub = new RankHub(size, loopback: true, _watch);
            Monitors = [.. Enumerable.Range(0, size).Where(r => r != absent).Select(Join)];
        }

        internal ConcurrentDictionary<int, (string Sentence, int Code)> Told { get; } = [];

        internal RankMonitor[] Monitors { get; }

        internal string Secret => _hub.Secret;

        internal Socket Connect()
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.Connect("127.0.0.1", _hub.Port);
            return socket;
        }

        internal RankMonitor Join(int rank) => new(rank, "127.0.0.1", _hub.Port, _hub.Secret, _watch with
        {
            Tell = (sentence, code) => Told[rank] = (sentence, code),
            Exit = _ => { },
            CodeOf = _ => 7,
        });

        internal void AssertAllTold(string sentence, int code, int but = -1)
        {
            int expected = Monitors.Length - (but < 0 ? 0 : 1);
            Assert.True(SpinWait.SpinUntil(() => Told.Keys.Count(r => r < Monitors.Length || but < 0) >= expected, TimeSpan.FromSeconds(20)));
            Assert.All(Told.Where(t => t.Key != but), t => Assert.Equal((sentence, code), t.Value));
        }

        public void Dispose()
        {
            Array.ForEach(Monitors, m => m.Dispose());
            _hub.Dispose();
        }
    }
}
