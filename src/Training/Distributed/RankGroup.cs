using System.Text;
using GenoSeq.Torch;
using GenoSeq.Training.Engine;
using static GenoSeq.Torch.torch;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Training.Distributed;

/// <summary>
/// The processes that train together, as one of them sees them. Every rank makes the same calls in the same order. Alone, every
/// exchange is the identity, so that callers need not ask whether there are others.
/// </summary>
/// <remarks>
/// Tensors travel over <see cref="Group"/> (NCCL between GPUs, Gloo between CPUs). Numbers and texts of the host travel over
/// Gloo where the library has it, also beside NCCL, so that they neither wait for a GPU's queue nor enter it.
/// </remarks>
public class RankGroup : IDisposable
{
    private readonly ProcessGroup? _control;
    private readonly RankMonitor? _monitor;
    private readonly List<IDisposable> _owned = [];
    private string _doing = "the start";

    /// <summary>A process that trains alone.</summary>
    protected RankGroup()
    {
    }

    /// <summary>Meets the others.</summary>
    /// <param name="environment">Who this process is.</param>
    /// <param name="device">Where tensors that travel are: the CPU, or this rank's GPU.</param>
    /// <param name="timeout">For meeting and for every exchange; 10 minutes when null.</param>
    /// <exception cref="DistributedException">A rank did not come in time, or the port is taken.</exception>
    /// <exception cref="MissingLibraryException">The native library has no backend for the device.</exception>
    protected RankGroup(DistributedEnvironment environment, Device device, TimeSpan? timeout = null)
        : this(environment, device, timeout ?? DefaultTimeout, null)
    {
    }

    private RankGroup(DistributedEnvironment environment, Device device, TimeSpan timeout, RankMeeting? meeting)
    {
        ArgumentNullException.ThrowIfNull(environment);
        Environment = environment;
        Timeout = timeout;
        _monitor = meeting?.Monitor;
        try
        {
            Store = meeting?.Store ?? Own(new TCPStore(environment.MasterAddr, environment.MasterPort, environment.WorldSize, environment.Rank == 0, Timeout));
            bool gpu = device.Type == DeviceType.CUDA;
            Group = Own(Create(gpu ? "nccl" : "gloo", "world", device));
            _control = gpu && is_gloo_available() ? Own(Create("gloo", "control", Device.CPU)) : Group;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How long an exchange may take when nothing is said.</summary>
    public static TimeSpan DefaultTimeout { get; } = TimeSpan.FromMinutes(10);

    /// <summary>The group of a process that trains alone.</summary>
    public static RankGroup Alone { get; } = new();

    /// <summary>Meets the others that the environment speaks of.</summary>
    /// <param name="environment">Who this process is; null or a world of one: <see cref="Alone"/>.</param>
    /// <param name="device">Where tensors that travel are.</param>
    /// <param name="timeout">For meeting and for every exchange; <see cref="DefaultTimeout"/> when null.</param>
    public static RankGroup Join(DistributedEnvironment? environment, Device device, TimeSpan? timeout = null) =>
        environment is null || environment.WorldSize == 1 ? Alone : new RankGroup(environment, device, timeout);

    /// <summary>Joins those that have met, under their watch. The meeting must outlive the group.</summary>
    /// <param name="meeting">The meeting; null: <see cref="Alone"/>.</param>
    /// <param name="device">Where tensors that travel are.</param>
    public static RankGroup Join(RankMeeting? meeting, Device device)
    {
        if (meeting is null)
        {
            return Alone;
        }

        try
        {
            return new RankGroup(meeting.Environment, device, meeting.ExchangeTimeout, meeting);
        }
        catch (Exception e)
        {
            meeting.Monitor.Fail(e, follows: e is DistributedException);
            throw;
        }
    }

    /// <summary>Who this process is.</summary>
    public DistributedEnvironment Environment { get; } = new();

    /// <summary>Position of this process, from 0.</summary>
    public int Rank => Environment.Rank;

    /// <summary>Number of processes.</summary>
    public int WorldSize => Environment.WorldSize;

    /// <summary>True for the rank that writes and speaks.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>True when there are no others.</summary>
    public bool IsAlone => Group is null;

    /// <summary>What an exchange may take.</summary>
    public TimeSpan Timeout { get; } = DefaultTimeout;

    /// <summary>Over which tensors travel; null alone.</summary>
    public ProcessGroup? Group { get; }

    /// <summary>Where the ranks met; null alone. One thread at a time.</summary>
    public TCPStore? Store { get; }

    /// <summary>What this rank is at, for errors and watchers, such as <c>step 12</c>.</summary>
    public string Doing
    {
        get => _doing;
        set
        {
            _doing = value;
            _monitor?.Moved(value);
        }
    }

    /// <summary>Another group of all ranks, or of some of them, over the same store.</summary>
    /// <param name="name">Its name, the same on its ranks and its own among all groups.</param>
    /// <param name="rank">Position of this process in it.</param>
    /// <param name="size">Its number of processes.</param>
    public ProcessGroup Subgroup(string name, int rank, int size) =>
        Own(Create(Group!.Backend, name, Group.Device, rank, size));

    /// <summary>Every wait for an exchange ends here.</summary>
    /// <param name="work">The exchange.</param>
    /// <exception cref="DistributedException">It failed, or did not end in time.</exception>
    public virtual void Await(Work work)
    {
        ArgumentNullException.ThrowIfNull(work);
        _monitor?.Waits(true);
        work.Wait();
        _monitor?.Waits(false);
    }

    /// <summary>Says that this rank is at work, in the middle of what takes long. Cheap.</summary>
    public void Working() => _monitor?.Works();

    /// <summary>Refuses to go on unless a value is the same on all ranks.</summary>
    /// <param name="fields">Names and values.</param>
    /// <exception cref="RankDisagreementException">Some differ.</exception>
    public void Agree(params (string Field, string Value)[] fields)
    {
        if (!IsAlone && RankAgreement.Compare(Gather(RankAgreement.Write(fields))) is { } sentence)
        {
            throw new RankDisagreementException(sentence);
        }
    }

    /// <summary>Does what a rank does in a run; what fails here is told to the others, which then end too.</summary>
    /// <param name="run">What to do.</param>
    public T Watched<T>(Func<T> run)
    {
        ArgumentNullException.ThrowIfNull(run);
        try
        {
            return run();
        }
        catch (Exception e) when (TellOthers(e))
        {
            throw;
        }
    }

    // As a filter: the others know before this process begins to unwind, which waits for threads and exchanges. Never true.
    private bool TellOthers(Exception e)
    {
        // What all ranks throw together concerns nobody else.
        if (e is not (RankDisagreementException or TrainingDivergedException))
        {
            _monitor?.Fail(e, follows: e is DistributedException or RankFailedException);
        }

        return false;
    }

    /// <summary>Puts rank 0's values into a tensor of every rank.</summary>
    public void Broadcast(Tensor tensor)
    {
        if (Group is not null)
        {
            using Work work = Group.broadcast(tensor, 0, async_op: true);
            Await(work);
        }
    }

    /// <summary>Sums a tensor over the ranks, in place.</summary>
    public void Sum(Tensor tensor)
    {
        if (Group is not null)
        {
            using Work work = Group.all_reduce(tensor, async_op: true);
            Await(work);
        }
    }

    /// <summary>Sums of numbers over the ranks, the same bits on each.</summary>
    public double[] Sum(params double[] values) => StartSum(values)();

    /// <summary>Begins to sum numbers over the ranks; calling the result waits for the sums.</summary>
    public Func<double[]> StartSum(params double[] values)
    {
        if (_control is null)
        {
            return () => values;
        }

        Tensor sums = Number(values);
        Work work = _control.all_reduce(sums, async_op: true);
        return () =>
        {
            using (work)
            using (sums)
            {
                Await(work);
                return Numbers(sums);
            }
        };
    }

    /// <summary>Every rank's numbers, [rank][value]; all give equally many.</summary>
    public double[][] Gather(params double[] values)
    {
        if (_control is null)
        {
            return [values];
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor mine = Number(values);
        Tensor[] all = [.. Enumerable.Range(0, WorldSize).Select(_ => zeros_like(mine))];
        using Work work = _control.all_gather(all, mine, async_op: true);
        Await(work);
        return Array.ConvertAll(all, Numbers);
    }

    /// <summary>Every rank's bytes, in the order of ranks.</summary>
    public byte[][] Gather(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (_control is null)
        {
            return [bytes];
        }

        int[] sizes = Array.ConvertAll(Gather((double)bytes.Length), v => (int)v[0]);
        using DisposeScope scope = NewDisposeScope();
        byte[] padded = new byte[sizes.Max() + 1];
        bytes.CopyTo(padded, 0);
        Tensor mine = tensor<byte>(padded, [padded.Length], _control.Device);
        Tensor[] all = [.. Enumerable.Range(0, WorldSize).Select(_ => zeros_like(mine))];
        using Work work = _control.all_gather(all, mine, async_op: true);
        Await(work);
        return [.. all.Select((t, r) => t.cpu().ToArray<byte>()[..sizes[r]])];
    }

    /// <summary>Every rank's text, in the order of ranks.</summary>
    public string[] Gather(string text) => Array.ConvertAll(Gather(Encoding.UTF8.GetBytes(text)), Encoding.UTF8.GetString);

    /// <summary>
    /// Does something on this rank, waits until all ranks have done the same, and fails on all if it failed on one: with this
    /// rank's own exception, or else with one that names the rank that failed.
    /// </summary>
    /// <param name="what">In words that continue "failed": such as <c>opening the data</c>.</param>
    /// <param name="action">What to do.</param>
    /// <exception cref="RankFailedException">It failed on another rank.</exception>
    public T Together<T>(string what, Func<T> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        if (IsAlone)
        {
            return action();
        }

        T result;
        try
        {
            result = action();
        }
        catch (Exception e)
        {
            Gather(e.Message.Length == 0 ? e.GetType().Name : e.Message);
            throw;
        }

        string[] problems = Gather("");
        int failed = Array.FindIndex(problems, p => p.Length > 0);
        return failed < 0 ? result : throw new RankFailedException(failed, what, problems[failed]);
    }

    /// <summary>The same for what has no result.</summary>
    public void Together(string what, Action action) => Together(what, () =>
    {
        action();
        return true;
    });

    /// <summary>Waits until every rank is here.</summary>
    public void Barrier() => Sum(0.0);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Leaves the groups.</summary>
    protected virtual void Dispose(bool disposing)
    {
        // Groups before the store that they were made over.
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            _owned[i].Dispose();
        }

        _owned.Clear();
    }

    private ProcessGroup Create(string backend, string name, Device device, int? rank = null, int? size = null) =>
        new(Store!, backend, rank ?? Rank, size ?? WorldSize, Timeout, name, Environment.IsLoopback ? "127.0.0.1" : null, device);

    private Tensor Number(double[] values)
    {
        using DisposeScope scope = NewDisposeScope();
        return tensor<double>(values, [values.Length], _control!.Device).DetachFromDisposeScope();
    }

    private static double[] Numbers(Tensor t)
    {
        using DisposeScope scope = NewDisposeScope();
        return t.cpu().ToArray<double>();
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
