using System.Globalization;

namespace GenoSeq.Training.Studies.Report;

/// <summary>A verdict in plain words.</summary>
internal static class StudySentence
{
    /// <summary>The word for an outcome.</summary>
    internal static string Word(StudyOutcome outcome) => outcome switch
    {
        StudyOutcome.Supported => "supported",
        StudyOutcome.Contradicted => "contradicted",
        StudyOutcome.Undecided => "undecided",
        StudyOutcome.OneSeed => "one seed",
        StudyOutcome.NotTested => "not tested",
        _ => "not measured",
    };

    /// <summary>What the claim expects: <c>above 0</c>.</summary>
    internal static string Expected(StudyClaimConfig claim, string unit = "")
    {
        (double low, double high) = StudyVerdict.Expected(claim);
        string of = claim.Effect == ClaimEffect.Ratio || unit.Length == 0 ? "" : " " + UnitOf(claim, unit);
        return claim.Expect switch
        {
            ClaimExpectation.Above => $"above {StudyFigures.Number(low)}{of}",
            ClaimExpectation.Below => $"below {StudyFigures.Number(high)}{of}",
            _ => $"from {StudyFigures.Number(low)} to {StudyFigures.Number(high)}{of}",
        };
    }

    /// <summary>What is compared: <c>A minus B at pairs 16</c>.</summary>
    internal static string Compared(StudyClaimConfig claim)
    {
        if (claim.Against is not { } against)
        {
            return Side(claim.Of);
        }

        string word = claim.Effect == ClaimEffect.Ratio ? " over " : " minus ";
        return At(claim.Of) == At(against) ? claim.Of.Model + word + against.Model + At(against) : Side(claim.Of) + word + Side(against);
    }

    /// <summary>Mean effect with its unit.</summary>
    internal static string Effect(StudyVerdict verdict, string unit) => verdict.Mean is not { } mean ? StudyFigures.Empty : verdict.Claim.Effect switch
    {
        ClaimEffect.Difference => Unit(StudyFigures.Signed(mean, Half(verdict)), UnitOf(verdict.Claim, unit)),
        ClaimEffect.Ratio => StudyFigures.Number(mean, Half(verdict)) + " times",
        _ => Unit(StudyFigures.Number(mean, Half(verdict)), unit),
    };

    /// <summary>The interval: <c>+0.1 to +0.2</c>.</summary>
    internal static string Interval(StudyVerdict verdict)
    {
        if (verdict.Low is not { } low || verdict.High is not { } high)
        {
            return StudyFigures.Empty;
        }

        bool signed = verdict.Claim.Effect == ClaimEffect.Difference;
        string End(double v) => signed ? StudyFigures.Signed(v, Half(verdict)) : StudyFigures.Number(v, Half(verdict));
        return End(low) + " to " + End(high);
    }

    internal static string Of(StudyVerdict verdict, StudyEffects effects, StudyMetricConfig metric,
        IReadOnlyList<(ClaimPremiseConfig Premise, double? Mean)> missing)
    {
        StudyClaimConfig claim = verdict.Claim;
        string name = metric.Title.Length > 0 ? metric.Title : metric.Name;
        string what = $"{Capital(name)}: {Compared(claim)}";
        if (verdict.Outcome == StudyOutcome.NotMeasured)
        {
            string why = effects.Empty.Count > 0 ? "nothing was measured of " + string.Join(" nor of ", effects.Empty.Select(Side))
                : effects.LeftOut > 0 ? "no value is a number"
                : "the two sides have no seed and no conditions in common";
            return $"{what} is not known: {why}.";
        }

        string over = effects.Over.Count > 0 ? $" (mean over {Count(verdict.Seeds.Max(s => s.Combinations), "combination", "combinations")} of {And(effects.Over)})" : "";
        string interval = verdict.Low is null ? "" : $", 95 % interval {Interval(verdict)}";
        var text = $"{what}{over} is {Effect(verdict, metric.Unit)}{interval}, over {Count(verdict.Seeds.Count, "seed", "seeds")}.";
        text += $" The claim expects {Expected(claim, metric.Unit)}: {Conclusion(verdict, missing)}";
        if (effects.LeftOut > 0)
        {
            text += $" Left out, as an effect is no number there: {Count(effects.LeftOut, "combination", "combinations")} of seeds and conditions.";
        }

        return effects.Uneven ? text + " Seeds cover different conditions: the study is not complete." : text;
    }

    /// <summary>Names in a row: <c>a, b and c</c>.</summary>
    internal static string And(IReadOnlyList<string> names) =>
        names.Count < 2 ? string.Concat(names) : string.Join(", ", names.Take(names.Count - 1)) + " and " + names[^1];

    private static string Conclusion(StudyVerdict verdict, IReadOnlyList<(ClaimPremiseConfig Premise, double? Mean)> missing)
    {
        string published = verdict.Claim.Published.Length > 0 ? $" Published: {verdict.Claim.Published.TrimEnd('.')}." : "";
        switch (verdict.Outcome)
        {
            case StudyOutcome.Supported:
                return "the whole interval lies there, so this study supports it." + published;
            case StudyOutcome.Contradicted:
                string who = verdict.Claim.Source.Length > 0 ? $" ({verdict.Claim.Source.TrimEnd('.')})" : "";
                string claim = who.Length + published.Length > 0 ? "the published claim" : "the claim";
                return $"the whole interval lies elsewhere, so in this setting our result contradicts {claim}{who}.{published}";
            case StudyOutcome.NotTested:
                return "it supposes " + And([.. missing.Select(Premise)]) + ", so this study does not test it." + published;
            case StudyOutcome.Undecided:
                return "the interval reaches across that bound, so this study does not decide it." + published;
            default:
                (double low, double high) = StudyVerdict.Expected(verdict.Claim);
                bool there = verdict.Mean > low && verdict.Mean < high;
                return $"the effect {(there ? "lies there" : "does not lie there")}, but one seed has no interval and decides nothing." + published;
        }
    }

    private static double? Half(StudyVerdict verdict) => verdict.High is { } high && verdict.Low is { } low ? (high - low) / 2 : null;

    private static string Premise((ClaimPremiseConfig Premise, double? Mean) missing) =>
        $"{Side(missing.Premise)} above {StudyFigures.Number(missing.Premise.Above)}, which "
        + (missing.Mean is { } mean ? $"has {StudyFigures.Number(mean)}" : "was not measured");

    private static string Side(ClaimSideConfig side) => side.Model + At(side);

    private static string At(ClaimSideConfig side) =>
        side.At.Count == 0 ? "" : " at " + And([.. side.At.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key} {a.Value}")]);

    // 5 % less 4 % is one point: "1 %" would be read as a ratio.
    private static string UnitOf(StudyClaimConfig claim, string unit) => claim.Effect == ClaimEffect.Difference && unit == "%" ? "points" : unit;

    private static string Unit(string number, string unit) => unit.Length == 0 ? number : number + " " + unit;

    private static string Count(int n, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{n} {(n == 1 ? one : many)}");

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
}
