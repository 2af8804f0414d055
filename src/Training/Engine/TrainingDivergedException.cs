namespace GenoSeq.Training.Engine;

/// <summary>The loss or a gradient is not a finite number any more.</summary>
public sealed class TrainingDivergedException : Exception
{
    /// <summary>Composes the message.</summary>
    /// <param name="step">Steps taken before the one that failed.</param>
    /// <param name="what">What is not finite: the loss, or a parameter's name.</param>
    /// <param name="lastGood">The last checkpoint, or null.</param>
    public TrainingDivergedException(long step, string what, string? lastGood)
        : base($"training diverged at step {step + 1}: {what} is not finite"
            + (lastGood is null ? " (no checkpoint was written yet)" : $" (last good checkpoint: {lastGood})")
            + "\n  expected: finite loss and gradients\n  try: a lower train.learning_rate, more train.warmup_steps, or train.precision=fp32")
    {
        Step = step;
        What = what;
        LastGood = lastGood;
    }

    /// <summary>Steps taken before the one that failed.</summary>
    public long Step { get; }

    /// <summary>The loss, or the name of the first parameter whose gradient is not finite.</summary>
    public string What { get; }

    /// <summary>Path of the last checkpoint, or null.</summary>
    public string? LastGood { get; }
}
