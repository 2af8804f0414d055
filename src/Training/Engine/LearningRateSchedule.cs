using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Engine;

/// <summary>Linear warm-up from nothing to the largest rate, then half a cosine down to the smallest.</summary>
/// <param name="config">Rates and steps.</param>
public sealed class LearningRateSchedule(TrainConfig config)
{
    /// <summary>The rate of a step.</summary>
    /// <param name="step">Step, from 0.</param>
    public double At(long step)
    {
        if (step < config.WarmupSteps)
        {
            return config.LearningRate * (step + 1) / config.WarmupSteps;
        }

        double span = Math.Max(1, config.Steps - config.WarmupSteps);
        double done = Math.Clamp((step - config.WarmupSteps) / span, 0, 1);
        return config.MinLearningRate
            + ((config.LearningRate - config.MinLearningRate) * 0.5 * (1 + Math.Cos(Math.PI * done)));
    }
}
