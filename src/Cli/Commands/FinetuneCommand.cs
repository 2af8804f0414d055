using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.FineTuning;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq finetune</c>: trains a model on labelled sequences, chooses by validation, judges on the test part.</summary>
internal sealed class FinetuneCommand
{
    private readonly ConfigSource _source = new();
    private readonly Option<string?> _checkpoint = new("--checkpoint") { Description = "The same as checkpoint=DIR", HelpName = "DIR" };
    private readonly Option<string?> _data = new("--data") { Description = "The same as data.path=PATH", HelpName = "PATH" };
    private readonly Option<string?> _out = new("--out", "-o") { Description = "The run's folder; that of an interrupted run goes on [default: a new one in runs/]", HelpName = "DIR" };

    private readonly Option<string[]> _sweep = new("--sweep")
    {
        Description = "Try settings, PATH=VALUE,VALUE,..., by the validation part alone, and go on with the best; several options are combined",
        HelpName = "PATH=VALUES",
    };

    private readonly Option<int> _sweepFolds = new("--sweep-folds")
    {
        Description = "Judge what --sweep tries by cross-validation over N folds of the training and validation rows: for small sets [default: by the validation part]",
        HelpName = "N",
    };

    internal static Command Create(CommandRunner runner)
    {
        var self = new FinetuneCommand();
        Command verb = runner.Verb("finetune", "Train a model on labelled sequences", context => Task.FromResult(self.Run(context)));
        self._source.AddTo(verb);
        verb.Add(self._checkpoint);
        verb.Add(self._data);
        verb.Add(self._out);
        verb.Add(self._sweep);
        verb.Add(self._sweepFolds);
        return verb
            .WithExample("genoseq finetune --checkpoint runs/pretrained --data GUE/prom/prom_300_tata seeds=3", "A pretrained model, three seeds")
            .WithExample("genoseq finetune --checkpoint runs/pretrained --data set.csv --sweep finetune.learning_rate=1e-4,3e-4,1e-3", "Three rates, of which validation chooses")
            .WithExample("genoseq finetune --checkpoint runs/pretrained --data set.csv finetune.mode=probe", "A linear probe on frozen embeddings")
            .WithExample("genoseq finetune --preset caduceus-ps-tiny --data set.csv finetune.mode=scratch", "The same architecture from scratch");
    }

    internal static string[] Overrides(IEnumerable<string> typed, string? checkpoint, string? data) =>
    [
        .. typed,
        .. checkpoint is null ? [] : new[] { $"checkpoint={Quoted(checkpoint)}" },
        .. data is null ? [] : new[] { $"data.path={Quoted(data)}" },
    ];

    private static string Quoted(string path) => System.Text.Json.JsonSerializer.Serialize(path, Texts.Default.String);

    private int Run(CommandContext context)
    {
        string[] overrides = Overrides(_source.Overrides(context), context.Parse.GetValue(_checkpoint), context.Parse.GetValue(_data));
        FineTuneConfig config = _source.ResolveFineTuning(context, overrides);
        SweepAxis[] axes = [.. (context.Parse.GetValue(_sweep) ?? []).Select(SweepAxis.Parse)];
        int folds = context.Parse.GetValue(_sweepFolds);
        if (folds is 1 or < 0)
        {
            throw new ConfigException(new ConfigProblem("", $"--sweep-folds is {folds}", null, "at least 2 folds", "--sweep-folds 5"));
        }

        if (folds > 0 && axes.Length == 0)
        {
            throw new ConfigException(new ConfigProblem("", "--sweep-folds has nothing to judge", null, "something to try", "--sweep finetune.learning_rate=1e-4,3e-4,1e-3"));
        }

        Compute.Use(context);
        var request = new FineTuneRequest
        {
            Config = config,
            Out = context.Parse.GetValue(_out),
            Command = Environment.GetCommandLineArgs(),
            Overrides = overrides,
            Version = AppVersion.Text,
            Threads = context.Options.Threads,
        };
        FineTuneResult result = axes.Length == 0
            ? FineTuneRun.Run(request, context.Reporter.Info, context.Stop)
            : FineTuneSweep.Run(request, axes, settings => _source.ResolveFineTuning(context, [.. overrides, .. settings]), folds, context.Reporter.Info, context.Stop);
        context.Reporter.Info($"run folder: {result.Folder}");
        if (result.Reason == EndReason.Interrupted)
        {
            context.Reporter.Info("interrupted; the same command with this --out repeats no finished seed");
            return ExitCodes.Interrupted;
        }

        bool test = result.Seeds[0].Test is not null;
        var table = new ConsoleTable(test ? "test" : "validation", ">mean", ">sd", ">min", ">max", ">seeds");
        foreach ((string name, SeedSummary s) in result.Summary)
        {
            table.Add(name, F(s.Mean), F(s.StandardDeviation), F(s.Min), F(s.Max), s.Runs.ToString(CultureInfo.InvariantCulture));
        }

        table.WriteToOut(context.Streams);
        return ExitCodes.Ok;
    }

    private static string F(double? value) => value?.ToString("F4", CultureInfo.InvariantCulture) ?? "-";
}
