using GenoSeq.Models;

namespace GenoSeq.Training.Engine;

/// <summary>A training step, finished.</summary>
/// <param name="Step">Steps taken so far.</param>
/// <param name="Steps">Steps of the run.</param>
/// <param name="Tokens">Tokens seen so far.</param>
/// <param name="BitsPerBase">Mean loss of the step's targets, in bits.</param>
/// <param name="LearningRate">Rate of the step.</param>
/// <param name="GradientNorm">Global gradient norm before clipping.</param>
/// <param name="TokensPerSecond">Smoothed speed.</param>
/// <param name="BestValidation">Best validation so far in bits per base, or null.</param>
public readonly record struct StepReport(long Step, long Steps, long Tokens, double BitsPerBase, double LearningRate,
    double GradientNorm, double TokensPerSecond, double? BestValidation);

/// <summary>Is told what happens in a run.</summary>
public interface ITrainingObserver
{
    /// <summary>The model is built and training begins (or goes on) behind a step.</summary>
    public void Started(SequenceModel model, TrainingData data, long step);

    /// <summary>A step is done.</summary>
    public void Stepped(in StepReport report);

    /// <summary>A validation is done.</summary>
    /// <param name="step">Steps taken.</param>
    /// <param name="result">Its figures.</param>
    /// <param name="isBest">True when no earlier one was better.</param>
    public void Validated(long step, Evaluation.EvaluationResult result, bool isBest);

    /// <summary>A checkpoint is on disk.</summary>
    public void Saved(long step, string path);

    /// <summary>Words for people.</summary>
    public void Say(string text);
}
