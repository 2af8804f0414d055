using System.Globalization;
using GenoSeq.Models;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation;

namespace GenoSeq.Training.Runs;

/// <summary>Writes what happens in a run to its <c>log.txt</c> too, whatever the terminal shows.</summary>
/// <param name="inner">Who else is told.</param>
/// <param name="folder">The run's folder.</param>
internal sealed class RunLogObserver(ITrainingObserver inner, RunFolder folder) : ITrainingObserver
{
    public void Started(SequenceModel model, TrainingData data, long step)
    {
        Log($"started behind step {step}: {model.Config.Family()}, {model.NumParameters} parameters, {data.TrainBases} training bases");
        foreach (string warning in data.Split.Warnings)
        {
            Log($"warning: {warning}");
        }

        inner.Started(model, data, step);
    }

    // Steps are in metrics.jsonl.
    public void Stepped(in StepReport report) => inner.Stepped(report);

    public void Validated(long step, EvaluationResult result, bool isBest)
    {
        Log($"step {step}: validation {result.BitsPerBase:F4} bits per base on {result.Targets} bases{(isBest ? ", best so far" : "")}");
        inner.Validated(step, result, isBest);
    }

    public void Saved(long step, string path)
    {
        Log($"step {step}: saved {Path.GetFileName(path)}");
        inner.Saved(step, path);
    }

    public void Say(string text)
    {
        Log($"{text}");
        inner.Say(text);
    }

    /// <summary>Writes how the run ended.</summary>
    public void Ended(string how) => Log($"{how}");

    private void Log(FormattableString line) =>
        folder.Log(line.ToString(CultureInfo.InvariantCulture));
}
