using System.Globalization;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Training.Distributed;

/// <summary>
/// The start of a run of several ranks: they meet at rank 0's store, begin to watch over each other, and refuse to begin unless
/// all have the same program, world and configuration.
/// </summary>
public sealed class RankMeeting : IDisposable
{
    // What a store of ours answers at once; whoever does not is something else.
    private static readonly TimeSpan s_hello = TimeSpan.FromSeconds(60);

    // Collectives and the store wait a little longer than the watch, which knows more to say.
    private static readonly TimeSpan s_margin = TimeSpan.FromSeconds(30);

    private readonly RankHub? _hub;

    private RankMeeting(DistributedEnvironment environment, RankWatch watch, TCPStore store)
    {
        (Environment, Watch, Store) = (environment, watch, store);
        try
        {
            if (environment.Rank == 0)
            {
                _hub = new RankHub(environment.WorldSize, environment.IsLoopback, watch);
                store.set("watch", string.Create(CultureInfo.InvariantCulture, $"{_hub.Port} {_hub.Secret}"));
            }

            string[] at = store.get_string("watch").Split(' ');
            Monitor = new RankMonitor(environment.Rank, environment.IsLoopback || _hub is not null ? "127.0.0.1" : environment.MasterAddr,
                int.Parse(at[0], CultureInfo.InvariantCulture), at[1], watch);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Who this process is.</summary>
    public DistributedEnvironment Environment { get; }

    /// <summary>How the ranks watch over each other.</summary>
    public RankWatch Watch { get; }

    /// <summary>Where they met.</summary>
    public TCPStore Store { get; }

    /// <summary>What an exchange may take: longer than the watch needs to find who is to blame.</summary>
    public TimeSpan ExchangeTimeout => Watch.Timeout + s_margin;

    /// <summary>This rank's share of the watch.</summary>
    internal RankMonitor Monitor { get; } = null!;

    /// <summary>Meets the others.</summary>
    /// <param name="environment">Who this process is.</param>
    /// <param name="watch">How the ranks watch over each other.</param>
    /// <param name="version">Version of the program.</param>
    /// <param name="config">The configuration of the run.</param>
    /// <param name="stop">Gives the meeting up.</param>
    /// <exception cref="MasterPortException">The port is taken.</exception>
    /// <exception cref="RankDisagreementException">The ranks were not started alike.</exception>
    /// <exception cref="DistributedException">Rank 0 did not come in time.</exception>
    public static RankMeeting Open(DistributedEnvironment environment, RankWatch watch, string version, Configuration.RunConfig config,
        CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(watch);
        var meeting = new RankMeeting(environment, watch, Connect(environment, watch.Arrival + s_margin, stop));
        try
        {
            meeting.Agree([("program version", version), ("world size", environment.WorldSize.ToString(CultureInfo.InvariantCulture)), .. RankAgreement.Fields(config)]);
            return meeting;
        }
        catch (Exception e)
        {
            // All have been told the same.
            if (e is not RankDisagreementException)
            {
                meeting.Monitor.Fail(e, follows: e is DistributedException);
            }

            meeting.Dispose();
            throw;
        }
    }

    // Rank 0 compares, since it alone needs to hear all.
    private void Agree((string, string)[] fields)
    {
        Store.set(FormattableString.Invariant($"agree/{Environment.Rank}"), RankAgreement.Write(fields));
        if (Environment.Rank == 0)
        {
            string[] texts = [.. Enumerable.Range(0, Environment.WorldSize).Select(r => Store.get_string(FormattableString.Invariant($"agree/{r}")))];
            Store.set("verdict", RankAgreement.Compare(texts) ?? "");
        }

        if (Store.get_string("verdict") is { Length: > 0 } sentence)
        {
            Monitor.Dispose();
            // Rank 0 serves the store from which the others read the sentence.
            Store.add("refused", 1);
            for (int i = 0; Environment.Rank == 0 && i < 100 && Store.add("refused", 0) < Environment.WorldSize; i++)
            {
                Thread.Sleep(20);
            }

            throw new RankDisagreementException(sentence);
        }
    }

    private static TCPStore Connect(DistributedEnvironment e, TimeSpan timeout, CancellationToken stop)
    {
        string address = FormattableString.Invariant($"{e.MasterAddr}:{e.MasterPort}");
        if (e.Rank == 0)
        {
            try
            {
                var served = new TCPStore(e.MasterAddr, e.MasterPort, e.WorldSize, true, timeout);
                served.set("hello", "genoseq");
                return served;
            }
            catch (DistributedException error) when (error.Message.Contains("in use", StringComparison.OrdinalIgnoreCase))
            {
                throw new MasterPortException("rank 0 cannot serve the meeting of the ranks, since the port is taken", address, e.MasterPort);
            }
        }

        // On another thread: a server that is none of ours may never answer, and this one can be asked to stop.
        TCPStore? store = null;
        Exception? failure = null;
        using var connected = new ManualResetEventSlim();
        using var greeted = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            try
            {
                store = new TCPStore(e.MasterAddr, e.MasterPort, e.WorldSize, false, timeout);
                connected.Set();
                store.get("hello");
            }
#pragma warning disable CA1031 // Thrown again below.
            catch (Exception error)
#pragma warning restore CA1031
            {
                failure = error;
                Quietly(connected);
            }

            Quietly(greeted);
        })
        { IsBackground = true, Name = "rank meeting" };
        thread.Start();
        bool answered = connected.Wait(timeout + s_margin, stop) && greeted.Wait(timeout < s_hello ? timeout : s_hello, stop);
        return failure is not null ? throw failure
            : answered ? store!
            : throw new MasterPortException("what answers there is no store of the ranks", address, e.MasterPort);

        // The other thread may have left.
        static void Quietly(ManualResetEventSlim signal)
        {
            try
            {
                signal.Set();
            }
            catch (ObjectDisposedException)
            {
            }
        }
    }

    /// <summary>Leaves in good order.</summary>
    public void Dispose()
    {
        Monitor?.Dispose();
        _hub?.Dispose();
        Store.Dispose();
    }
}
