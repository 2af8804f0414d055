namespace GenoSeq.Cli.Console;

/// <summary>How far a run has come.</summary>
/// <param name="Step">Steps finished.</param>
/// <param name="TotalSteps">Steps in all; 0 when unknown.</param>
/// <param name="TokensPerSecond">Speed, NaN when unknown.</param>
/// <param name="BitsPerBase">Current loss in bits per base.</param>
/// <param name="BestValidation">Best validation loss so far in bits per base.</param>
/// <param name="Baseline">Bits per base of the baseline that the model must beat.</param>
public readonly record struct ProgressState(
    long Step,
    long TotalSteps,
    double TokensPerSecond = double.NaN,
    double? BitsPerBase = null,
    double? BestValidation = null,
    double? Baseline = null)
{
    /// <summary>What a step is: a training step, or a base.</summary>
    public string Unit { get; init; } = "step";
}
