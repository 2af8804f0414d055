using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Cli.Launch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning.Suite;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq benchmark</c>: a suite of labelled sets, from its file to its table.</summary>
internal sealed class BenchmarkCommand
{
    private readonly Argument<string> _suite = new("suite") { Description = "YAML or JSON file of the suite", HelpName = "SUITE" };
    private readonly Option<string> _out = new("--out", "-o") { Description = "Folder of cells and tables; finished cells in it are not repeated", HelpName = "DIR", Required = true };
    private readonly Option<string[]> _models = new("--model") { Description = "Only this model; may be given again", HelpName = "NAME" };
    private readonly Option<string[]> _tasks = new("--task") { Description = "Only this task; may be given again", HelpName = "NAME" };
    private readonly Option<long[]> _seeds = new("--seed") { Description = "This seed in place of the suite's; may be given again", HelpName = "N" };

    private readonly Option<string[]> _checkpoints = new("--checkpoint")
    {
        Description = "The checkpoint of a model; without NAME, of all models whose checkpoint is `given`",
        HelpName = "[NAME=]DIR",
    };

    private readonly Option<string> _device = new("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
    private readonly Option<int> _jobs = new("--jobs", "-j") { Description = "Processes that share the cells; with --device cuda one after another on each GPU", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Say what would be run, and write nothing" };
    private readonly Option<bool> _table = new("--table") { Description = "Write the tables of what is there, and run nothing" };
    private readonly Option<bool> _worker = new("--worker") { Hidden = true };

    private readonly Argument<string[]> _overrides = new("overrides")
    {
        Description = "Settings over the file's, such as root=DIR, seeds=[1] or recipes.ours.epochs=5",
        Arity = ArgumentArity.ZeroOrMore,
        HelpName = "path=value",
    };

    internal static Command Create(CommandRunner runner)
    {
        var self = new BenchmarkCommand();
        Command verb = runner.Verb("benchmark", "Run a suite of labelled sets and write its table", context => Task.FromResult(self.Run(context)));
        verb.Add(self._suite);
        foreach (Option option in new Option[]
        {
            self._out, self._models, self._tasks, self._seeds, self._checkpoints, self._device, self._jobs, self._dryRun, self._table, self._worker,
        })
        {
            verb.Add(option);
        }

        verb.Add(self._overrides);
        return verb
            .WithExample("genoseq benchmark configs/benchmarks/small-sets.yaml --out runs/small --model kmer --model cnn", "Two baselines on all sets")
            .WithExample("genoseq benchmark suite.yaml --out runs/suite --checkpoint runs/pretrained --device cuda --jobs 4", "All of it, on the GPUs of this host")
            .WithExample("genoseq benchmark suite.yaml --out runs/suite --table", "The tables of what is there");
    }

    private int Run(CommandContext context)
    {
        ParseResult parse = context.Parse;
        SuiteRequest request = new()
        {
            Suite = Suite(parse.GetValue(_suite)!, parse.GetValue(_overrides) ?? [], parse.GetValue(_checkpoints) ?? []),
            Out = parse.GetValue(_out)!,
            Models = parse.GetValue(_models) ?? [],
            Tasks = parse.GetValue(_tasks) ?? [],
            Seeds = [.. (parse.GetValue(_seeds) ?? []).Distinct()],
            Device = parse.GetValue(_device)!,
            Version = AppVersion.Text,
        };
        int jobs = parse.GetValue(_jobs);
        if (jobs < 1)
        {
            throw new ConfigException(new ConfigProblem("", $"--jobs is {jobs}", null, "1 or more"));
        }

        if (parse.GetValue(_table))
        {
            Show(context, SuiteRun.Table(request));
            return ExitCodes.Ok;
        }

        if (parse.GetValue(_dryRun))
        {
            return DryRun(context, request);
        }

        int code = ExitCodes.Ok;
        try
        {
            bool worker = parse.GetValue(_worker);
            if (jobs > 1 && !worker)
            {
                SuiteRun.Begin(request);
                code = new CellJobs("benchmark", jobs, request.Device, context).Run();
            }
            else
            {
                Compute.Use(context);
                if (!worker)
                {
                    SuiteRun.Begin(request);
                }

                SuiteRun.Work(request, context.Reporter.Info, context.Reporter.Detail, context.Stop);
            }
        }
        catch (OperationCanceledException) when (context.Stop.IsCancellationRequested)
        {
            code = ExitCodes.Interrupted;
        }

        return parse.GetValue(_worker) ? code : Finish(context, request, code);
    }

    private static int Finish(CommandContext context, SuiteRequest request, int code)
    {
        if (code == ExitCodes.Interrupted || context.Stop.IsCancellationRequested)
        {
            context.Reporter.Info("interrupted; the same command repeats no finished cell");
            return ExitCodes.Interrupted;
        }

        // What is wrong with the words, the data or the devices is wrong for all processes, and has been said.
        if (code is ExitCodes.Usage or ExitCodes.BadInput or ExitCodes.MissingResource)
        {
            return code;
        }

        SuiteOutcome outcome = SuiteRun.Finish(request);
        Show(context, outcome.Table);
        if (outcome.Absent.Count > 0)
        {
            context.Reporter.Warn($"the data of these tasks are not there: {string.Join(", ", outcome.Absent)}");
        }

        foreach (string failure in outcome.Failures)
        {
            context.Reporter.Warn($"failed: {failure}");
        }

        context.Reporter.Info(Text($"{outcome.Done} of {outcome.Cells} cells are finished; tables: {outcome.Folder}/{SuiteReport.MarkdownFile}, .json, .html"));
        return outcome.Done < outcome.Cells || outcome.Failures.Count > 0 ? Math.Max(code, ExitCodes.Failed) : ExitCodes.Ok;
    }

    private static int DryRun(CommandContext context, SuiteRequest request)
    {
        (IReadOnlyList<(string Task, string Model, int Cells, int Done)> lines, IReadOnlyList<string> absent) = SuiteRun.Plan(request);
        var table = new ConsoleTable("task", "model", ">cells", ">finished");
        foreach ((string task, string model, int cells, int done) in lines)
        {
            table.Add(task, model, Text($"{cells}"), Text($"{done}"));
        }

        table.WriteToOut(context.Streams);
        context.Reporter.Info(Text($"{lines.Sum(l => l.Cells)} cells, {lines.Sum(l => l.Done)} of them finished{(absent.Count > 0 ? "; data that are not there: " + string.Join(", ", absent) : "")}"));
        return ExitCodes.Ok;
    }

    private static void Show(CommandContext context, SuiteTable table)
    {
        var text = new ConsoleTable(["task", "metric", .. table.Suite.Models.Select(m => ">" + m.Name)]);
        foreach (SuiteTable.Row row in table.Rows)
        {
            text.Add([row.Task.Name, row.Task.Metric, .. row.Cells.Select((_, m) => table.TextOf(row, m))]);
        }

        text.WriteToOut(context.Streams);
    }

    // Checkpoints are overrides of the models' settings, with a form of their own since paths hold anything.
    private static SuiteConfig Suite(string file, IEnumerable<string> overrides, string[] checkpoints)
    {
        if (!File.Exists(file))
        {
            throw new ConfigException(new ConfigProblem("", "there is no such suite", new ConfigLocation(file), "a YAML or JSON file", "configs/benchmarks/small-sets.yaml"));
        }

        SuiteConfig suite = SuiteConfig.Load(file, overrides);
        foreach (string checkpoint in checkpoints)
        {
            int equals = checkpoint.IndexOf('=', StringComparison.Ordinal);
            string? name = equals < 0 ? null : checkpoint[..equals];
            SuiteModelConfig[] meant = [.. suite.Models.Where(m => name is null ? m.Checkpoint == SuiteModelConfig.Given : m.Name == name && m.Checkpoint is not null)];
            if (meant.Length == 0)
            {
                throw new ConfigException(new ConfigProblem("", $"--checkpoint {checkpoint} is of no model", new ConfigLocation(file),
                    name is null ? $"a model with checkpoint: {SuiteModelConfig.Given}" : "the name of a model with a checkpoint", "--checkpoint \"NAME=DIR\""));
            }

            suite = suite with { Models = [.. suite.Models.Select(m => meant.Contains(m) ? m with { Checkpoint = checkpoint[(equals + 1)..] } : m)] };
        }

        return suite;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
