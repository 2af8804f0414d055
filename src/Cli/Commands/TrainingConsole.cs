using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Models;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation;

namespace GenoSeq.Cli.Commands;

/// <summary>Shows a run on standard error: what it is, a progress line, validations.</summary>
internal sealed class TrainingConsole(ConsoleReporter reporter, RunConfig config) : ITrainingObserver
{
    private double? _baseline;

    public void Started(SequenceModel model, TrainingData data, long step)
    {
        reporter.Info(Text($"model: {config.Model.Family()}, d_model {config.Model.DModel}, {config.Model.NLayer} layers, {model.NumParameters:N0} parameters, {config.Train.Precision.ToString().ToLowerInvariant()} on {config.Device}"));
        reporter.Info(Text($"data: {data.TrainBases:N0} training and {data.ValidationBases:N0} validation bases in {data.Genome.Contigs.Count} contigs"));
        foreach (string warning in data.Split.Warnings)
        {
            reporter.Warn(warning);
        }

        int windows = Trainer.WindowsPerStep(config);
        double epochs = (double)windows * config.Train.Steps / data.TrainSampler.WindowsPerEpoch(0);
        reporter.Info(Text($"run: {config.Train.Steps:N0} steps of {(long)windows * config.Data.ContextLength:N0} tokens ({epochs:F2} epochs), windows of {config.Data.ContextLength:N0}, seed {config.Seed}"));
        if (config.Report.MustBeat is { } name && name != "uniform" && data.ValidationSampler is not null)
        {
            _baseline = BaselineReport.Fit(name, data, config.Report.BothStrands).Evaluate(data.Genome, data.Split.Validation).BitsPerBase;
            reporter.Info(Text($"baseline to beat: {name}, {_baseline:F4} bits per base on the validation part (2 = no idea)"));
        }
        else
        {
            _baseline = 2;
        }
    }

    public void Stepped(in StepReport report) => reporter.Progress(new ProgressState(
        report.Step, report.Steps, report.TokensPerSecond, report.BitsPerBase, report.BestValidation, _baseline));

    public void Validated(long step, EvaluationResult result, bool isBest) => reporter.Info(
        Text($"step {step}: validation {result.BitsPerBase:F4} bits per base, accuracy {result.Accuracy:P1}{(isBest ? ", best so far" : "")}"));

    public void Saved(long step, string path) => reporter.Detail(Text($"step {step}: saved {path}"));

    public void Say(string text) => reporter.Info(text);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
