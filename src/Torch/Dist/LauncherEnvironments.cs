using System.Globalization;
using System.Text;

namespace GenoSeq.Torch;

/// <summary>
/// Translates the variables of launchers that have their own (Open MPI, SLURM, Kubernetes' indexed jobs) into <c>RANK</c>,
/// <c>WORLD_SIZE</c>, <c>LOCAL_RANK</c>, <c>MASTER_ADDR</c> and <c>MASTER_PORT</c>. Where these are set themselves, they count.
/// </summary>
internal static class LauncherEnvironments
{
    // Below the ports that Linux gives to outgoing connections (32768 and up), so that none of these is in the way.
    private const int FirstPort = 20_000;
    private const int Ports = 12_000;

    // Steps of SLURM with a number from here on are its own: the batch script, an interactive shell.
    private const uint FirstOwnStep = 0xffff_fff0;

    /// <summary>
    /// The launcher that started this process, and a reader that answers to the names above; null when nothing of a launcher is
    /// to be seen. More problems than one variable can tell are added to <paramref name="problems"/>.
    /// </summary>
    internal static (string Launcher, Func<string, string?> Read)? Find(Func<string, string?> source, List<string> problems)
    {
        string? Get(string name) => source(name) is { Length: > 0 } value ? value : null;
        if (Get("RANK") is not null || Get("WORLD_SIZE") is not null)
        {
            return ("the environment", source);
        }

        // mpirun inside a job of SLURM leaves SLURM's variables of the batch script visible, so that Open MPI comes first.
        (string Launcher, Dictionary<string, string?> Table)? found =
            Get("OMPI_COMM_WORLD_RANK") is not null || Get("OMPI_COMM_WORLD_SIZE") is not null ? ("Open MPI", OpenMpi(Get))
            : IsSlurmStep(Get) ? ("SLURM", Slurm(Get, problems))
            : Get("JOB_COMPLETION_INDEX") is not null ? ("Kubernetes", Kubernetes(Get))
            : null;
        if (found is not var (launcher, table))
        {
            return null;
        }

        // A single process is an ordinary one: a program inside somebody's job of one task meets nobody.
        return table["WORLD_SIZE"] == "1" ? null : (launcher, name => name is "MASTER_ADDR" or "MASTER_PORT" or "LOCAL_RANK"
            ? Get(name) ?? table.GetValueOrDefault(name) : table.GetValueOrDefault(name) ?? source(name));
    }

    /// <summary>What the launcher calls a variable: errors name what the user can see.</summary>
    internal static string NameOf(string launcher, string variable) => (launcher, variable) switch
    {
        ("Open MPI", "RANK") => "OMPI_COMM_WORLD_RANK",
        ("Open MPI", "WORLD_SIZE") => "OMPI_COMM_WORLD_SIZE",
        ("Open MPI", "LOCAL_RANK") => "OMPI_COMM_WORLD_LOCAL_RANK",
        ("SLURM", "RANK") => "SLURM_PROCID",
        ("SLURM", "WORLD_SIZE") => "SLURM_NTASKS",
        ("SLURM", "LOCAL_RANK") => "SLURM_LOCALID",
        ("Kubernetes", "RANK") => "JOB_COMPLETION_INDEX",
        ("Kubernetes", "WORLD_SIZE") => "JOB_COMPLETIONS",
        _ => variable,
    };

    private static Dictionary<string, string?> OpenMpi(Func<string, string?> get)
    {
        string? size = get("OMPI_COMM_WORLD_SIZE");
        bool oneHost = size is not null && get("OMPI_COMM_WORLD_LOCAL_SIZE") == size;
        // Every version has a name of the job that all its ranks share, under a variable of its own.
        string? job = get("PMIX_NAMESPACE") ?? get("OMPI_MCA_ess_base_jobid") ?? get("OMPI_MCA_orte_ess_jobid");
        return new()
        {
            ["RANK"] = get("OMPI_COMM_WORLD_RANK"),
            ["WORLD_SIZE"] = size,
            ["LOCAL_RANK"] = get("OMPI_COMM_WORLD_LOCAL_RANK"),
            ["MASTER_ADDR"] = oneHost ? "127.0.0.1" : null,
            ["MASTER_PORT"] = job is null ? null : Port(Sum(job)),
        };
    }

    // Inside the batch script, which is no task of `srun`, SLURM_PROCID is set too; waiting there for others would wait forever.
    private static bool IsSlurmStep(Func<string, string?> get) =>
        get("SLURM_PROCID") is not null && get("SLURM_STEP_ID") is { } step
        && !(uint.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number >= FirstOwnStep);

    private static Dictionary<string, string?> Slurm(Func<string, string?> get, List<string> problems)
    {
        string? master = null;
        if ((get("SLURM_STEP_NUM_NODES") ?? get("SLURM_NNODES")) == "1")
        {
            master = "127.0.0.1";
        }
        else if (get("MASTER_ADDR") is null)
        {
            try
            {
                master = (get("SLURM_STEP_NODELIST") ?? get("SLURM_JOB_NODELIST")) is { } list ? NodeList.Expand(list)[0] : null;
                if (master is null)
                {
                    problems.Add("SLURM_JOB_NODELIST is not set, and so nobody says where rank 0 is");
                }
            }
            catch (FormatException e)
            {
                problems.Add(e.Message);
            }
        }

        ulong job = ulong.TryParse(get("SLURM_JOB_ID"), NumberStyles.None, CultureInfo.InvariantCulture, out ulong id) ? id : 0;
        ulong step = ulong.TryParse(get("SLURM_STEP_ID"), NumberStyles.None, CultureInfo.InvariantCulture, out id) ? id : 0;
        return new()
        {
            ["RANK"] = get("SLURM_PROCID"),
            ["WORLD_SIZE"] = get("SLURM_STEP_NUM_TASKS") ?? get("SLURM_NTASKS"),
            ["LOCAL_RANK"] = get("SLURM_LOCALID"),
            ["MASTER_ADDR"] = master,
            ["MASTER_PORT"] = job == 0 ? null : Port((job * 17) + step),
        };
    }

    private static Dictionary<string, string?> Kubernetes(Func<string, string?> get)
    {
        string? index = get("JOB_COMPLETION_INDEX");
        string? name = get("JOB_NAME");
        // A pod of an indexed job is called JOB-INDEX.
        if (name is null && get("HOSTNAME") is { } host && index is not null && host.EndsWith("-" + index, StringComparison.Ordinal))
        {
            name = host[..^(index.Length + 1)];
        }

        string? service = get("JOB_SERVICE") ?? name;
        return new()
        {
            ["RANK"] = index,
            // Not given by Kubernetes; without it an indexed job is one of many that do not know each other.
            ["WORLD_SIZE"] = get("JOB_COMPLETIONS") ?? "1",
            ["LOCAL_RANK"] = "0",
            ["MASTER_ADDR"] = name is null ? null : $"{name}-0.{service}",
            ["MASTER_PORT"] = "29500",
        };
    }

    private static string Port(ulong number) => (FirstPort + (int)(number % Ports)).ToString(CultureInfo.InvariantCulture);

    // The same on every host: string.GetHashCode is not.
    private static ulong Sum(string text) => Encoding.UTF8.GetBytes(text).Aggregate(14695981039346656037UL, (h, b) => (h ^ b) * 1099511628211UL);
}
