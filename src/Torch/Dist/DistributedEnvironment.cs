using System.Globalization;

namespace GenoSeq.Torch;

/// <summary>Who this process is among those that train together, and where they meet.</summary>
public sealed record DistributedEnvironment
{
    /// <summary>Position of this process, from 0.</summary>
    public int Rank { get; init; }

    /// <summary>Number of processes.</summary>
    public int WorldSize { get; init; } = 1;

    /// <summary>Position among the processes of this host: its GPU.</summary>
    public int LocalRank { get; init; }

    /// <summary>Host of rank 0.</summary>
    public string MasterAddr { get; init; } = "127.0.0.1";

    /// <summary>Port of rank 0's store; 0 lets a single process choose a free one.</summary>
    public int MasterPort { get; init; }

    /// <summary>True when rank 0's address is the loopback, so that all ranks are on this host.</summary>
    public bool IsLoopback =>
        MasterAddr is "localhost" or "::1" || MasterAddr.StartsWith("127.", StringComparison.Ordinal);

    /// <summary>Who started the processes, in words: <c>SLURM</c>, <c>Open MPI</c>, <c>Kubernetes</c>, or <c>the environment</c>.</summary>
    public string Launcher { get; init; } = "the environment";

    /// <summary>
    /// Reads <c>RANK</c>, <c>WORLD_SIZE</c>, <c>LOCAL_RANK</c>, <c>MASTER_ADDR</c> and <c>MASTER_PORT</c>; where they are not
    /// set, what Open MPI, SLURM or an indexed job of Kubernetes set in their place.
    /// </summary>
    /// <param name="read">Where variables come from; the process's environment when null.</param>
    /// <returns>Null when nothing speaks of several processes: an ordinary single process.</returns>
    /// <exception cref="DistributedEnvironmentException">Variables are missing or wrong; the message lists every one.</exception>
    public static DistributedEnvironment? Read(Func<string, string?>? read = null)
    {
        var problems = new List<string>();
        if (LauncherEnvironments.Find(read ?? Environment.GetEnvironmentVariable, problems) is not var (launcher, source))
        {
            return null;
        }

        int rank = Integer("RANK", null);
        int size = Integer("WORLD_SIZE", null);
        var environment = new DistributedEnvironment
        {
            Rank = rank,
            WorldSize = size,
            LocalRank = Integer("LOCAL_RANK", rank),
            MasterAddr = source("MASTER_ADDR") is { Length: > 0 } host ? host : size == 1 ? "127.0.0.1" : "",
            MasterPort = Integer("MASTER_PORT", size == 1 ? 0 : null),
            Launcher = launcher,
        };
        if (problems.Count == 0)
        {
            problems.AddRange(environment.Validate());
        }
        else if (environment.MasterAddr.Length == 0 && !problems.Exists(p => p.Contains("node", StringComparison.Ordinal)))
        {
            problems.Add("MASTER_ADDR is not set");
        }

        return problems.Count == 0
            ? environment
            : throw new DistributedEnvironmentException(launcher, problems);

        int Integer(string name, int? missing)
        {
            string? text = source(name);
            if (string.IsNullOrEmpty(text) && missing is { } value)
            {
                return value;
            }

            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                return number;
            }

            string known = LauncherEnvironments.NameOf(launcher, name);
            problems.Add(string.IsNullOrEmpty(text) ? $"{known} is not set" : $"{known} is '{text}', no whole number");
            return 0;
        }
    }

    /// <summary>Every problem there is; none when the values can be used.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (WorldSize < 1)
        {
            problems.Add($"WORLD_SIZE is {WorldSize}, expected 1 or more");
        }
        else if (Rank < 0 || Rank >= WorldSize)
        {
            problems.Add($"RANK is {Rank}, expected 0 to {WorldSize - 1} (WORLD_SIZE is {WorldSize})");
        }

        if (LocalRank < 0)
        {
            problems.Add($"LOCAL_RANK is {LocalRank}, expected 0 or more");
        }

        if (MasterAddr.Length == 0)
        {
            problems.Add("MASTER_ADDR is not set");
        }

        if (MasterPort > 65535 || (MasterPort < 1 && WorldSize != 1))
        {
            problems.Add($"MASTER_PORT is {MasterPort}, expected 1 to 65535");
        }

        return problems;
    }
}
