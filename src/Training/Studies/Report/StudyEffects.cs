namespace GenoSeq.Training.Studies.Report;

/// <summary>The effect that a claim is about, in one seed.</summary>
/// <param name="Seed">The seed; of two references, which have none, that of the first side.</param>
/// <param name="Effect">Mean over the combinations; of a ratio the geometric one.</param>
/// <param name="Combinations">Combinations of what the claim does not select that both sides have.</param>
public sealed record StudySeedEffect(long Seed, double Effect, int Combinations);

/// <summary>The effect of a claim, seed by seed.</summary>
/// <param name="Seeds">By seed.</param>
/// <param name="Over">Names of what was averaged over, matched between the sides.</param>
/// <param name="LeftOut">Combinations that both sides have, but whose effect is no number.</param>
/// <param name="Uneven">Seeds have different combinations.</param>
/// <param name="Empty">Sides without any value.</param>
internal sealed record StudyEffects(IReadOnlyList<StudySeedEffect> Seeds, IReadOnlyList<string> Over, int LeftOut, bool Uneven, IReadOnlyList<ClaimSideConfig> Empty)
{
    internal static StudyEffects Of(StudyClaimConfig claim, StudyResults results)
    {
        ClaimSideConfig[] sides = claim.Against is { } other ? [claim.Of, other] : [claim.Of];
        bool Selected(string name) => sides.Any(s => s.At.ContainsKey(name));
        StudyValue[][] values = [.. sides.Select(s => results.Values(claim.Metric).Where(v => v.Record.Model == s.Model && v.Place.Matches(s.At)).ToArray())];
        ClaimSideConfig[] empty = [.. sides.Where((_, s) => values[s].Length == 0)];
        if (empty.Length > 0)
        {
            return new StudyEffects([], [], 0, false, empty);
        }

        bool[] reference = [.. sides.Select(s => results.IsReference(s.Model))];
        // A reference has no seed of its own: it stands beside every seed of the other side.
        int seeded = Array.FindIndex(reference, r => !r);
        IEnumerable<long> seeds = seeded < 0 ? [values[0][0].Record.Seed] : values[seeded].Select(v => v.Record.Seed).Distinct().Order();
        var effects = new List<StudySeedEffect>();
        var kept = new List<(string Key, StudyPlace Place)>();
        int leftOut = 0;
        foreach (long seed in seeds)
        {
            Dictionary<string, (double Mean, StudyPlace Place)>[] means =
                [.. values.Select((v, s) => ByCombination(v.Where(x => reference[s] || x.Record.Seed == seed), Selected))];
            var found = new List<double>();
            foreach ((string key, (double mean, StudyPlace place)) in means[0].OrderBy(m => m.Key, StringComparer.Ordinal))
            {
                double against = 0;
                if (means.Length > 1)
                {
                    if (!means[1].TryGetValue(key, out (double Mean, StudyPlace Place) match))
                    {
                        continue;
                    }

                    against = match.Mean;
                }

                double effect = claim.Effect == ClaimEffect.Ratio ? Math.Log(mean / against) : mean - against;
                if (double.IsFinite(effect))
                {
                    found.Add(effect);
                    kept.Add((key, place));
                }
                else
                {
                    leftOut++;
                }
            }

            if (found.Count > 0)
            {
                double mean = found.Average();
                effects.Add(new StudySeedEffect(seed, claim.Effect == ClaimEffect.Ratio ? Math.Exp(mean) : mean, found.Count));
            }
        }

        string[] over = [.. kept.SelectMany(k => k.Place.Names).Distinct().Where(n => !Selected(n) && kept.Select(k => StudyPlace.Canonical(k.Place[n] ?? "")).Distinct().Skip(1).Any()).Order(StringComparer.Ordinal)];
        bool uneven = effects.Count > 1 && kept.GroupBy(k => k.Key).Any(g => g.Count() < effects.Count);
        return new StudyEffects(effects, over, leftOut, uneven, empty);
    }

    private static Dictionary<string, (double Mean, StudyPlace Place)> ByCombination(IEnumerable<StudyValue> values, Func<string, bool> selected) =>
        values.GroupBy(v => v.Place.KeyWithout(selected)).ToDictionary(g => g.Key, g => (g.Average(v => v.Value), g.First().Place));
}
