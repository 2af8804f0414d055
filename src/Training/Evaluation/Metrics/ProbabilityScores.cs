namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>What one example's probabilities cost.</summary>
internal static class ProbabilityScores
{
    // The spacing of doubles at 1: a probability of 0 costs 36 nats, not infinitely many.
    private const double Epsilon = 1.0 / (1L << 52);

    internal delegate double Score(ReadOnlySpan<double> probabilities, int label);

    /// <summary>−ln of the true class's probability, after clipping to [ε, 1 − ε] and normalising the row.</summary>
    internal static double LogLoss(ReadOnlySpan<double> probabilities, int label)
    {
        double sum = 0;
        foreach (double p in probabilities)
        {
            sum += Clip(p);
        }

        return Math.Log(sum) - Math.Log(Clip(probabilities[label]));
    }

    /// <summary>
    /// The squared distance from the truth: of the positive class's probability where there are two classes, else summed over
    /// the classes (Brier, Monthly Weather Review 78, 1950).
    /// </summary>
    internal static double Brier(ReadOnlySpan<double> probabilities, int label)
    {
        if (probabilities.Length == 2)
        {
            return (probabilities[1] - label) * (probabilities[1] - label);
        }

        double sum = 0;
        for (int c = 0; c < probabilities.Length; c++)
        {
            double d = probabilities[c] - (c == label ? 1 : 0);
            sum += d * d;
        }

        return sum;
    }

    private static double Clip(double p) => Math.Clamp(p, Epsilon, 1 - Epsilon);
}
