using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Cli.Launch;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq launch</c>: starts the processes of a distributed run on this host.</summary>
internal sealed class LaunchCommand
{
    private readonly Option<int> _processes = new("--nproc") { Description = "Processes on this host: one for each GPU", HelpName = "N", Required = true };

    private readonly Option<int?> _hosts = new("--nnodes") { Description = "Hosts; each runs this command [default: 1, or what SLURM or Kubernetes says]", HelpName = "M" };

    private readonly Option<int?> _host = new("--node-rank") { Description = "This host, from 0", HelpName = "K" };

    private readonly Option<string?> _master = new("--master") { Description = "Host 0 and a free port on it [default: on one host a free port]", HelpName = "HOST:PORT" };

    private readonly Option<int> _restarts = new("--restarts") { Description = "Start all again from the last checkpoint after a failure, at most K times", HelpName = "K" };

    private readonly Option<double?> _timeout = new("--timeout") { Description = "Seconds after which a rank that does not move counts as lost [default: 600]", HelpName = "S" };

    private readonly Option<double> _grace = new("--grace") { Description = "Seconds from SIGTERM to SIGKILL when ranks are ended", HelpName = "S", DefaultValueFactory = _ => 15 };

    private readonly Argument<string[]> _command = new("command")
    {
        Description = "The verb that every process runs, behind --",
        Arity = ArgumentArity.ZeroOrMore,
        HelpName = "-- verb ...",
    };

    internal static Command Create(CommandRunner runner)
    {
        var self = new LaunchCommand();
        Command verb = runner.Verb("launch", "Run a verb in several processes, one for each GPU", context => Task.FromResult(self.Run(context)));
        foreach (Option option in new Option[] { self._processes, self._hosts, self._host, self._master, self._restarts, self._timeout, self._grace })
        {
            verb.Add(option);
        }

        verb.Add(self._command);
        return verb
            .WithExample("genoseq launch --nproc 2 -- pretrain -c configs/demo.yaml device=cuda -o run1", "Two GPUs of this host")
            .WithExample("genoseq launch --nproc 8 --nnodes 2 --node-rank 0 --master gpu01:29500 -- pretrain -c run.yaml -o run1", "Two hosts; on the second --node-rank 1")
            .WithExample("genoseq launch --nproc 8 --restarts 3 -- pretrain -c run.yaml -o run1", "Go on from the last checkpoint after a failure");
    }

    private int Run(CommandContext context)
    {
        LaunchPlan plan = Plan(context);
        string[] problems = [.. plan.Validate()];
        if (problems.Length > 0)
        {
            throw new ConfigException([.. problems.Select(p => new ConfigProblem("", p, null, null,
                "genoseq launch --nproc 2 -- pretrain -c configs/demo.yaml"))]);
        }

        context.Reporter.Info(plan.Hosts == 1
            ? Text($"{plan.WorldSize} ranks on this host")
            : Text($"ranks {plan.RankOf(0)} to {plan.RankOf(plan.Processes - 1)} of {plan.WorldSize} on this host, meeting at {plan.MasterAddress}:{plan.MasterPort}"));
        return new Launcher(plan, context.Streams, context.Reporter).Run(context.Stop);
    }

    private LaunchPlan Plan(CommandContext context)
    {
        ParseResult parse = context.Parse;
        int processes = parse.GetValue(_processes);
        (string? address, int? port) = Master(parse.GetValue(_master));

        // One launcher on each host, started by a scheduler that says which of them this is.
        DistributedEnvironment? among = parse.GetValue(_hosts) is null && parse.GetValue(_host) is null && address is null
            ? DistributedEnvironment.Read(context.Streams.Variable) : null;
        // Where nobody speaks of a place on the host, it is taken from the rank and says nothing.
        bool placed = among is not { Launcher: "the environment" } || !string.IsNullOrEmpty(context.Streams.Variable("LOCAL_RANK"));
        if (placed && among is { LocalRank: > 0 })
        {
            throw new ConfigException(new ConfigProblem("", Text($"{among.Launcher} starts this launcher more than once on a host"), null,
                "one launcher on each host", "one task per node (srun --ntasks-per-node=1), or no `genoseq launch`"));
        }

        return new LaunchPlan
        {
            Processes = processes,
            Hosts = among?.WorldSize ?? parse.GetValue(_hosts) ?? 1,
            Host = among?.Rank ?? parse.GetValue(_host) ?? 0,
            MasterAddress = among?.MasterAddr ?? address ?? "127.0.0.1",
            MasterPort = among is null ? port : among.MasterPort,
            Restarts = parse.GetValue(_restarts),
            Timeout = parse.GetValue(_timeout),
            Grace = parse.GetValue(_grace),
            Threads = Threads(context, processes),
            Columns = context.Reporter.IsLive ? Math.Max(20, context.Streams.Width() - LaunchOutput.Prefix(0).Length) : null,
            Command = parse.GetValue(_command) ?? [],
        };
    }

    // The ranks share the host's cores.
    private static int? Threads(CommandContext context, int processes) =>
        string.IsNullOrWhiteSpace(context.Streams.Variable(GlobalOptionSet.ThreadsVariable)) && processes > 0
            ? Math.Clamp(Environment.ProcessorCount / processes, 1, GlobalOptions.DefaultThreads)
            : null;

    private static (string? Address, int? Port) Master(string? text)
    {
        if (text is null)
        {
            return (null, null);
        }

        // The last colon: an address of IPv6 has more, and stands in brackets.
        int at = text.LastIndexOf(':');
        if (at <= 0 || !int.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port))
        {
            throw new ConfigException(new ConfigProblem("", $"--master is '{text}'", null, "HOST:PORT", "--master gpu01:29500"));
        }

        return (text[..at].Trim('[', ']'), port);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
