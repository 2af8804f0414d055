namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>Chooses among candidates by what they reached on the validation part. It is told nothing else.</summary>
public static class SweepChoice
{
    /// <summary>The candidate with the best mean over its values; of equal ones that with the smaller mean loss, as inside a run; then the first.</summary>
    /// <param name="trials">
    /// Candidates with their validation values and losses, one of each for each seed. A candidate with a value that is null or not finite, such as one
    /// that diverged, loses against all others; losses that are null decide nothing.
    /// </param>
    /// <param name="smallIsGood">Whether the smallest value is the best, as of a loss.</param>
    /// <returns>The choice; the default where every candidate failed.</returns>
    /// <exception cref="ArgumentException">There are no candidates.</exception>
    public static T? Of<T>(IEnumerable<(T Candidate, double? Validation, double? Loss)> trials, bool smallIsGood = false)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(trials);
        T? best = null;
        (double bestMean, double bestLoss) = (double.NegativeInfinity, double.NaN);
        bool any = false;
        foreach (IGrouping<T, (T Candidate, double? Validation, double? Loss)> group in trials.GroupBy(t => t.Candidate))
        {
            any = true;
            double mean = group.Average(t => t.Validation ?? double.NaN) * (smallIsGood ? -1 : 1);
            double loss = group.Average(t => t.Loss ?? double.NaN);
            if (double.IsFinite(mean) && (mean > bestMean || (mean == bestMean && loss < bestLoss)))
            {
                (best, bestMean, bestLoss) = (group.Key, mean, loss);
            }
        }

        return any ? best : throw new ArgumentException("there is nothing to choose from", nameof(trials));
    }
}
