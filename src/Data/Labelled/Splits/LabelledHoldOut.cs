namespace GenoSeq.Data;

/// <summary>Chooses the training rows that become a validation or test part.</summary>
internal static class LabelledHoldOut
{
    private const string Stream = "labelled/hold-out";

    /// <summary>Parts of all rows after a share of the training rows has moved to validation.</summary>
    internal static LabelledPart[] Move(LabelledSet set, double fraction, long seed)
    {
        if (!(fraction > 0 && fraction < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "a share above 0 and below 1");
        }
        return set.Kind == LabelKind.Class ? MoveOfClasses(set, fraction, seed)
            : Divide(set, [1 - fraction, fraction], [LabelledPart.Train, LabelledPart.Dev], seed);
    }

    /// <summary>Parts of all rows after the training rows have been divided.</summary>
    internal static LabelledPart[] Divide(LabelledSet set, double[] shares, LabelledPart[] names, long seed)
    {
        LabelledPart[] parts = PartsOf(set);
        int[] rows = [.. set.Rows(LabelledPart.Train)];
        int[] division = Divide(set, rows, shares, seed, firstHasAll: true);
        for (int i = 0; i < rows.Length; i++)
        {
            parts[rows[i]] = names[division[i]];
        }
        return parts;
    }

    /// <summary>Parts of all rows where one of several folds of the training and validation rows validates and the others train.</summary>
    internal static LabelledPart[] Fold(LabelledSet set, int count, int index, long seed)
    {
        LabelledPart[] parts = PartsOf(set);
        int[] rows = [.. Enumerable.Range(0, parts.Length).Where(r => parts[r] != LabelledPart.Test)];
        var shares = new double[count];
        Array.Fill(shares, 1.0 / count);
        int[] division = Divide(set, rows, shares, seed, firstHasAll: false);
        // The only row of its class would be judged by models that never saw the class.
        HashSet<int> single = set.Kind != LabelKind.Class ? [] : [.. rows.GroupBy(set.GetClass).Where(g => g.Count() == 1).Select(g => g.Single())];
        for (int i = 0; i < rows.Length; i++)
        {
            parts[rows[i]] = division[i] == index && !single.Contains(rows[i]) ? LabelledPart.Dev : LabelledPart.Train;
        }
        return parts;
    }

    private static int[] Divide(LabelledSet set, int[] rows, double[] shares, long seed, bool firstHasAll) => set.Kind switch
    {
        LabelKind.Class => StratifiedSplits.ByClass(Array.ConvertAll(rows, set.GetClass), shares, seed, firstHasAll),
        LabelKind.Number => StratifiedSplits.ByQuantile(Array.ConvertAll(rows, r => set.GetValues(r)[0]), shares, seed),
        LabelKind.MultiLabel when set.LabelNames.Count > 0 => StratifiedSplits.ByLabels(
            rows.SelectMany(r => set.GetValues(r).ToArray()).ToArray(), set.LabelNames.Count, shares, seed),
        _ => StratifiedSplits.ByClass(new int[rows.Length], shares, seed),
    };

    private static LabelledPart[] MoveOfClasses(LabelledSet set, double fraction, long seed)
    {
        LabelledPart[] parts = PartsOf(set);
        var strata = new List<int>[set.LabelNames.Count];
        for (int s = 0; s < strata.Length; s++)
        {
            strata[s] = [];
        }
        foreach (int row in set.Rows(LabelledPart.Train))
        {
            strata[set.GetClass(row)].Add(row);
        }
        for (int s = 0; s < strata.Length; s++)
        {
            List<int> rows = strata[s];
            if (rows.Count < 2)
            {
                continue;
            }
            int wanted = (int)Math.Clamp(Math.Round(fraction * rows.Count), 1, rows.Count - 1);
            // The beginning of a Fisher-Yates shuffle: each set of that many rows is equally likely.
            var random = new CounterRandom(seed, Stream, s);
            for (int i = 0; i < wanted; i++)
            {
                int j = i + (int)random.NextInt64(rows.Count - i);
                (rows[i], rows[j]) = (rows[j], rows[i]);
                parts[rows[i]] = LabelledPart.Dev;
            }
        }
        return parts;
    }

    private static LabelledPart[] PartsOf(LabelledSet set)
    {
        var parts = new LabelledPart[set.Count];
        for (int r = 0; r < parts.Length; r++)
        {
            parts[r] = set.GetPart(r);
        }
        return parts;
    }
}
