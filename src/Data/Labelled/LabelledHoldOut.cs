namespace GenoSeq.Data;

/// <summary>Chooses the training rows that become a validation part.</summary>
internal static class LabelledHoldOut
{
    private const string Stream = "labelled/hold-out";

    internal static LabelledPart[] Move(LabelledSet set, double fraction, long seed)
    {
        if (!(fraction > 0 && fraction < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "a share above 0 and below 1");
        }
        var parts = new LabelledPart[set.Count];
        for (int r = 0; r < parts.Length; r++)
        {
            parts[r] = set.GetPart(r);
        }
        // Numbers and multi-label rows make one stratum.
        bool classes = set.Kind == LabelKind.Class;
        var strata = new List<int>[classes ? set.LabelNames.Count : 1];
        for (int s = 0; s < strata.Length; s++)
        {
            strata[s] = [];
        }
        foreach (int row in set.Rows(LabelledPart.Train))
        {
            strata[classes ? set.GetClass(row) : 0].Add(row);
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
}
