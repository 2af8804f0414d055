namespace GenoSeq.Training.Studies.Report;

/// <summary>What became of a claim.</summary>
public enum StudyOutcome
{
    /// <summary>The interval lies wholly where the claim expects the effect.</summary>
    Supported,

    /// <summary>The interval lies wholly elsewhere.</summary>
    Contradicted,

    /// <summary>The interval reaches across the bound.</summary>
    Undecided,

    /// <summary>There is one seed: an effect without an interval decides nothing.</summary>
    OneSeed,

    /// <summary>What the claim supposes does not hold here: that a model has learnt its task, say.</summary>
    NotTested,

    /// <summary>No seed has the metric on both sides.</summary>
    NotMeasured,
}

/// <summary>A claim, decided.</summary>
/// <param name="Claim">The claim.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Mean">Mean effect over seeds; null where nothing was measured.</param>
/// <param name="Low">Lower end of its 95 % interval; null below two seeds.</param>
/// <param name="High">Upper end of its 95 % interval; null below two seeds.</param>
/// <param name="Seeds">The effect in each seed.</param>
/// <param name="Sentence">Effect, interval, seeds and outcome in words.</param>
public sealed record StudyVerdict(
    StudyClaimConfig Claim, StudyOutcome Outcome, double? Mean, double? Low, double? High, IReadOnlyList<StudySeedEffect> Seeds, string Sentence)
{
    /// <summary>
    /// Decides a claim. In each seed the effect is taken between values that agree in every condition and place of measurement which the
    /// claim does not select, and averaged over those; then its mean over seeds and the 95 % interval of that, by Student's t. A ratio is
    /// treated on logarithms throughout.
    /// </summary>
    /// <param name="claim">A valid claim.</param>
    /// <param name="results">Results of its study.</param>
    public static StudyVerdict Of(StudyClaimConfig claim, StudyResults results)
    {
        ArgumentNullException.ThrowIfNull(claim);
        ArgumentNullException.ThrowIfNull(results);
        StudyEffects effects = StudyEffects.Of(claim, results);
        bool ratio = claim.Effect == ClaimEffect.Ratio;
        StudyMean? mean = StudyMean.Of(effects.Seeds.Select(s => ratio ? Math.Log(s.Effect) : s.Effect));
        (double? middle, double? low, double? high) = ratio ? (Exp(mean?.Mean), Exp(mean?.Low), Exp(mean?.High)) : (mean?.Mean, mean?.Low, mean?.High);
        IReadOnlyList<(ClaimPremiseConfig, double?)> premises = [.. Missing(claim, results)];
        StudyOutcome outcome = (middle, low, high) switch
        {
            (null, _, _) => StudyOutcome.NotMeasured,
            _ when premises.Count > 0 => StudyOutcome.NotTested,
            (_, { } l, { } h) => Decide(claim, l, h),
            _ => StudyOutcome.OneSeed,
        };
        var verdict = new StudyVerdict(claim, outcome, middle, low, high, effects.Seeds, "");
        return verdict with { Sentence = StudySentence.Of(verdict, effects, results.Metric(claim.Metric), premises) };
    }

    /// <summary>Where the claim expects its effect: between the two, ends of <see cref="ClaimExpectation.Within"/> included, others not.</summary>
    /// <remarks>Of a ratio within a threshold t: from 1 / (1 + t) to 1 + t, so that it does not matter which side is above.</remarks>
    internal static (double Low, double High) Expected(StudyClaimConfig claim) => (claim.Expect, claim.Effect) switch
    {
        (ClaimExpectation.Above, _) => (claim.Threshold, double.PositiveInfinity),
        (ClaimExpectation.Below, _) => (double.NegativeInfinity, claim.Threshold),
        (_, ClaimEffect.Ratio) => (1 / (1 + claim.Threshold), 1 + claim.Threshold),
        _ => (-claim.Threshold, claim.Threshold),
    };

    private static StudyOutcome Decide(StudyClaimConfig claim, double low, double high)
    {
        (double from, double to) = Expected(claim);
        bool closed = claim.Expect == ClaimExpectation.Within;
        if (closed ? low >= from && high <= to : low > from && high < to)
        {
            return StudyOutcome.Supported;
        }

        return (closed ? high < from || low > to : high <= from || low >= to) ? StudyOutcome.Contradicted : StudyOutcome.Undecided;
    }

    // What the claim supposes and does not hold, with what was measured instead; null: nothing.
    private static IEnumerable<(ClaimPremiseConfig Premise, double? Mean)> Missing(StudyClaimConfig claim, StudyResults results)
    {
        foreach (ClaimPremiseConfig premise in claim.Given)
        {
            double[] values = [.. results.Values(claim.Metric).Where(v => v.Record.Model == premise.Model && v.Place.Matches(premise.At)).Select(v => v.Value)];
            double? mean = values.Length > 0 ? values.Average() : null;
            if (!(mean > premise.Above))
            {
                yield return (premise, mean);
            }
        }
    }

    private static double? Exp(double? value) => value is { } v ? Math.Exp(v) : null;
}
