using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq pretrain</c>: trains a model on genomes.</summary>
internal sealed class PretrainCommand
{
    private readonly ConfigSource _source = new();

    private readonly Option<string?> _out = new("--out", "-o") { Description = "The run's folder [default: a new one in runs/]", HelpName = "DIR" };

    private readonly Option<string> _resume = new("--resume")
    {
        Description = "auto: continue what was interrupted; never: begin anew; PATH: a run or one of its checkpoints",
        HelpName = "auto|never|PATH",
        DefaultValueFactory = _ => "auto",
    };

    private readonly Option<int?> _contextParallel = new("--context-parallel")
    {
        Description = "Processes that share every window by positions (train.context_parallel)",
        HelpName = "R",
    };

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Open everything, take two steps (the second is timed), write nothing" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new PretrainCommand();
        Command verb = runner.Verb("pretrain", "Train a model on genomes", context => Task.FromResult(self.Run(context)));
        self._source.AddTo(verb);
        verb.Add(self._out);
        verb.Add(self._resume);
        verb.Add(self._contextParallel);
        verb.Add(self._dryRun);
        return verb
            .WithExample("genoseq pretrain -c configs/demo.yaml", "Train by a recipe")
            .WithExample("genoseq pretrain --preset mamba-tiny data.files=[genome.fa.gz] train.steps=500 -o run1", "A preset with settings of one's own")
            .WithExample("genoseq pretrain -c configs/demo.yaml --dry-run", "Parameters, memory and speed before the run")
            .WithExample("genoseq pretrain -c configs/demo.yaml -o run1 --resume auto", "Continue after an interruption");
    }

    private int Run(CommandContext context)
    {
        string[] overrides = [.. _source.Overrides(context), .. ContextParallel(context)];
        RunConfig config = _source.Resolve(context, overrides);
        Compute.Use(context);
        var request = new PretrainRequest
        {
            Config = config,
            Out = context.Parse.GetValue(_out),
            Resume = context.Parse.GetValue(_resume) ?? "auto",
            Command = Environment.GetCommandLineArgs(),
            Overrides = string.Concat(overrides.Select(o => $"- '{o.Replace("'", "''", StringComparison.Ordinal)}'\n")),
            Version = AppVersion.Text,
            Threads = context.Options.Threads,
            Ranks = DistributedEnvironment.Read(),
            Watch = RankErrors.Watch(context, "pretrain"),
        };
        if (context.Parse.GetValue(_dryRun))
        {
            return DryRun(context, request);
        }

        var console = new TrainingConsole(context.Reporter, config);
        PretrainResult result = PretrainRun.Run(request, console, context.Stop);
        context.Reporter.EndProgress();
        bool speaks = request.Ranks is not { Rank: > 0 };
        if (speaks)
        {
            context.Reporter.Info($"run folder: {result.Folder}");
        }

        if (result.Reason == EndReason.Interrupted)
        {
            if (speaks)
            {
                context.Reporter.Info("interrupted; continue with --resume auto");
            }

            return ExitCodes.Interrupted;
        }

        return result.Table is null ? ExitCodes.Ok : Print(context, result.Table);
    }

    private string[] ContextParallel(CommandContext context) =>
        context.Parse.GetValue(_contextParallel) is { } parts ? [FormattableString.Invariant($"train.context_parallel={parts}")] : [];

    private static int Print(CommandContext context, ReportTable table)
    {
        var text = new ConsoleTable("model", "what", "bits per base");
        foreach (ReportRow row in table.Rows)
        {
            text.Add(row.Name, row.Description, row.BitsPerBase.ToString("F4", CultureInfo.InvariantCulture));
        }

        text.WriteToOut(context.Streams);
        context.Reporter.Info(string.Create(CultureInfo.InvariantCulture, $"all rows on the same {table.Positions:N0} held-out bases"));
        if (!table.Passed)
        {
            context.Reporter.Warn($"the model is not below {table.MustBeat!.Name}");
            return ExitCodes.Failed;
        }

        return ExitCodes.Ok;
    }

    private static int DryRun(CommandContext context, PretrainRequest request)
    {
        DryRunReport report = Training.Engine.DryRun.Run(request.Config, context.Stop);
        TextWriter w = context.Streams.Out;
        string F(FormattableString s) => s.ToString(CultureInfo.InvariantCulture);
        w.WriteLine(F($"model        {request.Config.Model.Family()}, {report.Parameters:N0} parameters"));
        w.WriteLine(F($"data         {report.TrainBases:N0} training bases, {report.ValidationBases:N0} validation bases"));
        w.WriteLine(F($"windows      {report.WindowsPerEpoch:N0} an epoch, of {request.Config.Data.ContextLength:N0} bases"));
        w.WriteLine(F($"step         {report.WindowsPerStep:N0} windows, {report.TokensPerStep:N0} tokens"));
        w.WriteLine(F($"run          {request.Config.Train.Steps:N0} steps, {report.TokensPerStep * request.Config.Train.Steps:N0} tokens, {report.Epochs:F2} epochs"));
        double flops = ModelFlops.Of(request.Config.Model, request.Config.Data.ContextLength).TrainingPerToken();
        w.WriteLine(F($"training     {flops / 1e6:N2} MFLOP a token, {flops * report.TokensPerStep * request.Config.Train.Steps / 1e15:N2} PFLOP in all"));
        w.WriteLine(F($"first step   {report.BitsPerBase:F4} bits per base, {report.StepSeconds:F2} s, {report.TokensPerStep / report.StepSeconds:N0} tokens/s"));
        w.WriteLine(F($"memory       {report.PeakBytes / (double)(1 << 20):N0} MiB at its peak"));
        if (report.Planned is var (layers, peak))
        {
            w.WriteLine(F($"planned      {peak / (double)(1 << 20):N0} MiB; layers: {layers}"));
        }

        w.WriteLine(F($"estimate     {TimeSpan.FromSeconds(Math.Round(report.StepSeconds * request.Config.Train.Steps))} for all steps"));
        return ExitCodes.Ok;
    }
}
