using System.Globalization;
using GenoSeq.Training.Distributed;

namespace GenoSeq.Cli.Launch;

/// <summary>What <c>genoseq launch</c> is asked to start.</summary>
internal sealed record LaunchPlan
{
    /// <summary>Processes on this host.</summary>
    public required int Processes { get; init; }

    /// <summary>Hosts.</summary>
    public int Hosts { get; init; } = 1;

    /// <summary>Position of this host, from 0.</summary>
    public int Host { get; init; }

    /// <summary>Host of rank 0.</summary>
    public string MasterAddress { get; init; } = "127.0.0.1";

    /// <summary>Its port; null: a free one is chosen, which one host alone can do.</summary>
    public int? MasterPort { get; init; }

    /// <summary>How often to start all again after a failure.</summary>
    public int Restarts { get; init; }

    /// <summary>Seconds after which a rank that does not move counts as lost; null: the program's default.</summary>
    public double? Timeout { get; init; }

    /// <summary>Seconds that ranks have to end after SIGTERM, before SIGKILL.</summary>
    public double Grace { get; init; } = 15;

    /// <summary>CPU threads of a rank; null: what its environment or its command says.</summary>
    public int? Threads { get; init; }

    /// <summary>Columns of the terminal on which rank 0 may redraw a line of progress; null: none.</summary>
    public int? Columns { get; init; }

    /// <summary>The verb and its words.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Processes in all.</summary>
    public int WorldSize => Hosts * Processes;

    /// <summary>The rank of a process of this host.</summary>
    public int RankOf(int local) => (Host * Processes) + local;

    /// <summary>What the environment of a process says beyond the launcher's.</summary>
    /// <param name="local">Position among the processes of this host.</param>
    /// <param name="port">Port of rank 0's store.</param>
    public IEnumerable<(string Name, string Value)> Environment(int local, int port)
    {
        yield return ("RANK", Text(RankOf(local)));
        yield return ("LOCAL_RANK", Text(local));
        yield return ("WORLD_SIZE", Text(WorldSize));
        yield return ("LOCAL_WORLD_SIZE", Text(Processes));
        yield return ("MASTER_ADDR", MasterAddress);
        yield return ("MASTER_PORT", Text(port));
        yield return (LaunchedProcess.LauncherVariable, Text(System.Environment.ProcessId));
        if (Timeout is { } seconds)
        {
            yield return (RankWatch.TimeoutVariable, Text(seconds));
        }

        if (Threads is { } threads)
        {
            yield return (Console.GlobalOptionSet.ThreadsVariable, Text(threads));
        }

        if (Columns is { } columns && RankOf(local) == 0)
        {
            yield return (LaunchedProcess.ColumnsVariable, Text(columns));
        }
    }

    /// <summary>The words of an attempt: what is started again continues what the attempt before it left.</summary>
    public IReadOnlyList<string> Words(int attempt)
    {
        if (attempt == 0)
        {
            return Command;
        }

        List<string> words = [.. Command];
        int at = words.IndexOf("--resume");
        if (at >= 0 && at + 1 < words.Count && words[at + 1] == "never")
        {
            words[at + 1] = "auto";
        }

        at = words.IndexOf("--resume=never");
        if (at >= 0)
        {
            words[at] = "--resume=auto";
        }

        return words;
    }

    /// <summary>Every problem there is.</summary>
    public IEnumerable<string> Validate()
    {
        if (Processes < 1) yield return $"--nproc is {Processes}, expected 1 or more";
        if (Hosts < 1) yield return $"--nnodes is {Hosts}, expected 1 or more";
        else if (Host < 0 || Host >= Hosts) yield return $"--node-rank is {Host}, expected 0 to {Hosts - 1} (--nnodes is {Hosts})";
        if (Hosts > 1 && MasterPort is null) yield return "--master is missing: several hosts need HOST:PORT of the first";
        if (MasterPort is < 1 or > 65535) yield return $"--master has the port {MasterPort}, expected 1 to 65535";
        if (Restarts < 0) yield return $"--restarts is {Restarts}, expected 0 or more";
        if (Timeout is { } timeout && !(timeout > 0)) yield return Text($"--timeout is {timeout}, expected more than 0 seconds");
        if (!(Grace >= 0)) yield return Text($"--grace is {Grace}, expected 0 seconds or more");
        if (Command.Count == 0) yield return "there is nothing to start: the command follows behind --";
        else if (Command[0].StartsWith('-')) yield return $"'{Command[0]}' is no command";
        else if (Command[0] == "launch") yield return "launch cannot start itself";
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
