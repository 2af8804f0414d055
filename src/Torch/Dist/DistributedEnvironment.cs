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

    /// <summary>
    /// Reads <c>RANK</c>, <c>WORLD_SIZE</c>, <c>LOCAL_RANK</c>, <c>MASTER_ADDR</c> and <c>MASTER_PORT</c>.
    /// </summary>
    /// <param name="read">Where variables come from; the process's environment when null.</param>
    /// <returns>Null when neither <c>RANK</c> nor <c>WORLD_SIZE</c> is set: an ordinary single process.</returns>
    /// <exception cref="ArgumentException">Variables are missing or wrong; the message lists every one.</exception>
    public static DistributedEnvironment? Read(Func<string, string?>? read = null)
    {
        // Launchers with variables of their own (SLURM, Open MPI) are translated by a reader that answers to these names.
        Func<string, string?> source = read ?? Environment.GetEnvironmentVariable;
        if (string.IsNullOrEmpty(source("RANK")) && string.IsNullOrEmpty(source("WORLD_SIZE")))
        {
            return null;
        }

        var problems = new List<string>();
        int rank = Integer("RANK", null);
        int size = Integer("WORLD_SIZE", null);
        var environment = new DistributedEnvironment
        {
            Rank = rank,
            WorldSize = size,
            LocalRank = Integer("LOCAL_RANK", rank),
            MasterAddr = source("MASTER_ADDR") is { Length: > 0 } host ? host : size == 1 ? "127.0.0.1" : "",
            MasterPort = Integer("MASTER_PORT", size == 1 ? 0 : null),
        };
        if (problems.Count == 0)
        {
            problems.AddRange(environment.Validate());
        }

        return problems.Count == 0
            ? environment
            : throw new ArgumentException("the environment of a distributed run is incomplete:\n  "
                + string.Join("\n  ", problems)
                + "\n  try: start the processes with a launcher that sets these (`genoseq launch`, torchrun)");

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

            problems.Add(string.IsNullOrEmpty(text) ? $"{name} is not set" : $"{name} is '{text}', no whole number");
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
