namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>Chooses among candidates by what they reached on the validation part. It is told nothing else.</summary>
public static class SweepChoice
{
    /// <summary>The candidate with the best mean over its values; of equal ones the first.</summary>
    /// <param name="trials">
    /// Candidates with their validation values, one for each seed. A candidate with a value that is null or not finite, such as one
    /// that diverged, loses against all others.
    /// </param>
    /// <param name="smallIsGood">Whether the smallest value is the best, as of a loss.</param>
    /// <returns>The choice; the default where every candidate failed.</returns>
    /// <exception cref="ArgumentException">There are no candidates.</exception>
    public static T? Of<T>(IEnumerable<(T Candidate, double? Validation)> trials, bool smallIsGood = false)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(trials);
        T? best = null;
        double bestMean = double.NegativeInfinity;
        bool any = false;
        foreach (IGrouping<T, (T Candidate, double? Validation)> group in trials.GroupBy(t => t.Candidate))
        {
            any = true;
            double mean = group.Average(t => t.Validation ?? double.NaN) * (smallIsGood ? -1 : 1);
            if (double.IsFinite(mean) && mean > bestMean)
            {
                (best, bestMean) = (group.Key, mean);
            }
        }

        return any ? best : throw new ArgumentException("there is nothing to choose from", nameof(trials));
    }
}
