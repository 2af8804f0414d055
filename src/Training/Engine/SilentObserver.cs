using GenoSeq.Models;
using GenoSeq.Training.Evaluation;

namespace GenoSeq.Training.Engine;

/// <summary>For runs that nobody watches: ranks that do not speak, benchmarks.</summary>
internal sealed class SilentObserver : ITrainingObserver
{
    public void Started(SequenceModel model, TrainingData data, long step)
    {
    }

    public void Stepped(in StepReport report)
    {
    }

    public void Validated(long step, EvaluationResult result, bool isBest)
    {
    }

    public void Saved(long step, string path)
    {
    }

    public void Say(string text)
    {
    }
}
