using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Cli.Launch;
using GenoSeq.Inference.Generation;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Runs;
using GenoSeq.Training.Studies;
using GenoSeq.Training.Studies.Report;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq study</c>: experiments on sequence models, from a file to a report with verdicts.</summary>
internal sealed class StudyCommand
{
    private readonly Argument<string> _study = new("study") { Description = "YAML or JSON file of the study; a folder of studies' folders: one page over their reports is written there", HelpName = "STUDY" };
    private readonly Option<string?> _out = new("--out", "-o") { Description = "Folder of cells and report; finished cells in it are not repeated, half-finished ones go on", HelpName = "DIR" };
    private readonly Option<string[]> _models = new("--model") { Description = "Only this model; may be given again", HelpName = "NAME" };
    private readonly Option<long[]> _seeds = new("--seed") { Description = "Only this seed of the study's; may be given again", HelpName = "N" };
    private readonly Option<string> _device = new("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
    private readonly Option<int> _jobs = new("--jobs", "-j") { Description = "Processes that share the cells; with --device cuda one after another on each GPU", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<double> _seconds = new("--max-seconds") { Description = "Stop after this time as Ctrl-C would, to go on another day; 0: no limit", HelpName = "S" };
    private readonly Option<bool> _smoke = new("--smoke") { Description = "At toy size, as the study's `smoke` says" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Say what would be run, and write nothing" };
    private readonly Option<bool> _report = new("--report") { Description = "Write the report of what is there, and run nothing" };
    private readonly Option<bool> _worker = new("--worker") { Hidden = true };

    private readonly Argument<string[]> _overrides = new("overrides")
    {
        Description = "Settings over the file's, such as seeds=[1] or base.budget.tokens=1e6",
        Arity = ArgumentArity.ZeroOrMore,
        HelpName = "path=value",
    };

    internal static Command Create(CommandRunner runner)
    {
        var self = new StudyCommand();
        Command verb = runner.Verb("study", "Run experiments on sequence models and decide published claims", context => Task.FromResult(self.Run(context)));
        verb.Add(self._study);
        foreach (Option option in new Option[]
        {
            self._out, self._models, self._seeds, self._device, self._jobs, self._seconds, self._smoke, self._dryRun, self._report, self._worker,
        })
        {
            verb.Add(option);
        }

        verb.Add(self._overrides);
        return verb
            .WithExample("genoseq study configs/studies/recall.yaml --out runs/recall --device cuda", "Who recalls, and what it takes")
            .WithExample("genoseq study configs/studies/filler.yaml --out runs/filler --smoke", "The same machinery at toy size, on a CPU")
            .WithExample("genoseq study runs/studies", "One page over the studies in a folder")
            .WithExample("genoseq study my-study.yaml --out runs/mine --device cuda --jobs 4 --max-seconds 540", "A sitting of nine minutes; the same command goes on");
    }

    private int Run(CommandContext context)
    {
        ParseResult parse = context.Parse;
        string file = parse.GetValue(_study)!;
        if (Directory.Exists(file))
        {
            int studies = StudyIndex.Write(file);
            context.Reporter.Info(Text($"{studies} studies; page: {Path.Combine(file, StudyIndex.HtmlFile)}, {StudyIndex.MarkdownFile}"));
            return ExitCodes.Ok;
        }

        if (!File.Exists(file))
        {
            throw new ConfigException(new ConfigProblem("", "there is no such study", new ConfigLocation(file), "a YAML or JSON file", "configs/studies/recall.yaml"));
        }

        StudyRequest request = new()
        {
            Study = StudyFile.Load(file, parse.GetValue(_overrides) ?? [], parse.GetValue(_smoke)),
            Out = parse.GetValue(_out) ?? throw new ConfigException(new ConfigProblem("", "there is no --out", null, "a folder for cells and report", "--out runs/NAME")),
            Models = parse.GetValue(_models) ?? [],
            Seeds = [.. (parse.GetValue(_seeds) ?? []).Distinct()],
            Device = parse.GetValue(_device)!,
            Version = AppVersion.Text,
            Decode = Decode,
        };
        int jobs = parse.GetValue(_jobs);
        if (jobs < 1)
        {
            throw new ConfigException(new ConfigProblem("", $"--jobs is {jobs}", null, "1 or more"));
        }

        if (parse.GetValue(_dryRun))
        {
            return DryRun(context, request);
        }

        if (parse.GetValue(_report))
        {
            return Finish(context, StudyRun.Report(request)
                ?? throw new RunFolderException("there are no cells of this study here", request.Out, "a folder that `genoseq study` worked in", "the same command without --report"), ExitCodes.Ok);
        }

        using var limit = new CancellationTokenSource();
        if (parse.GetValue(_seconds) is > 0 and var seconds)
        {
            limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.Stop, limit.Token);
        int code = ExitCodes.Ok;
        bool worker = parse.GetValue(_worker);
        try
        {
            if (jobs > 1 && !worker)
            {
                StudyRun.Begin(request);
                code = new CellJobs("study", jobs, request.Device, context).Run();
            }
            else
            {
                Compute.Use(context);
                if (!worker)
                {
                    StudyRun.Begin(request);
                }

                StudyRun.Work(request, context.Reporter.Info, stop.Token);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            code = ExitCodes.Interrupted;
        }

        // What is wrong with the words, the data or the devices is wrong for all processes, and has been said.
        return worker || code is ExitCodes.Usage or ExitCodes.BadInput or ExitCodes.MissingResource ? code : Finish(context, StudyRun.Finish(request), code);
    }

    private static int Finish(CommandContext context, StudyProgress outcome, int code)
    {
        foreach (StudyFailure failure in outcome.Failures)
        {
            context.Reporter.Warn($"failed: {failure.Model}, seed {Text($"{failure.Seed}")}: {failure.Error}");
        }

        foreach (string line in outcome.Summary)
        {
            context.Streams.Out.WriteLine(line);
        }

        bool whole = outcome.Done == outcome.Cells;
        context.Reporter.Info(Text($"{outcome.Done} of {outcome.Cells} cells are finished{(whole ? "" : "; the same command repeats none of them")}{(outcome.Summary.Count == 0 ? "" : $"; report: {outcome.Folder}/index.html, report.md, report.json")}"));
        return code == ExitCodes.Interrupted && !whole ? code : whole ? ExitCodes.Ok : Math.Max(code, ExitCodes.Failed);
    }

    private static int DryRun(CommandContext context, StudyRequest request)
    {
        IReadOnlyList<(string Model, int Cells, int Done)> lines = StudyRun.Plan(request);
        var table = new ConsoleTable("model", ">cells", ">finished");
        foreach ((string model, int cells, int done) in lines)
        {
            table.Add(model, Text($"{cells}"), Text($"{done}"));
        }

        table.WriteToOut(context.Streams);
        context.Reporter.Info(Text($"{lines.Sum(l => l.Cells)} cells, {lines.Sum(l => l.Done)} of them finished"));
        return ExitCodes.Ok;
    }

    private static IReadOnlyList<(double? Microseconds, long? StateBytes)> Decode(SequenceModel model, IReadOnlyList<int> positions, int steps) =>
    [
        .. positions.Select(position =>
        {
            try
            {
                DecodeTime time = DecodeBenchmark.Run(model, 1, [position], steps)[0];
                return ((double?)time.Microseconds, (long?)time.StateBytes);
            }
            catch (Exception e) when (e is NotSupportedException or TorchException)
            {
                return (null, null);
            }
        }),
    ];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
