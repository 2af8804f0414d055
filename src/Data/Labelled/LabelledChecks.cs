namespace GenoSeq.Data;

/// <summary>What a labelled set must have before a model is trained on it.</summary>
public static class LabelledChecks
{
    /// <summary>
    /// Refuses a set that nothing can be learnt from or judged by: no training rows, or a part with one class (one value,
    /// for numbers) only.
    /// </summary>
    /// <exception cref="InputDataException">Names the part and its class.</exception>
    public static void RequireTrainable(LabelledSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        if (set.Kind == LabelKind.None)
        {
            throw new InputDataException("the rows have no labels", set.Name, "a label for every row", "name the column of the labels");
        }
        if (set.Rows(LabelledPart.Train).Count == 0)
        {
            throw new InputDataException("there are no training rows", set.Name, "a training part", "name its file, or the column with the parts");
        }
        foreach (LabelledPart part in Enum.GetValues<LabelledPart>().Where(p => set.Rows(p).Count > 0))
        {
            if (Only(set, part) is string only)
            {
                string name = part.ToString().ToLowerInvariant();
                throw new InputDataException($"every row of the {name} part has {only}", set.Name, "two different labels or more in every part",
                    part == LabelledPart.Train ? "check that the column of labels is the right one" : "divide the rows anew, with a stratified split");
            }
        }
    }

    /// <summary>Refuses cross-validation where one of the folds could not be learnt from or judged (<see cref="LabelledSet.Fold"/>).</summary>
    /// <param name="set">The set as it is divided now.</param>
    /// <param name="count">Number of folds.</param>
    /// <param name="seed">Chooses the rows.</param>
    /// <param name="setting">What asked for it, for the message.</param>
    /// <exception cref="InputDataException">Names the fold and what it lacks.</exception>
    public static void RequireFolds(LabelledSet set, int count, long seed, string setting)
    {
        ArgumentNullException.ThrowIfNull(set);
        for (int f = 0; f < count; f++)
        {
            LabelledSet fold = set.Fold(count, f, seed);
            string? lack = fold.Rows(LabelledPart.Dev).Count == 0 ? "has no rows"
                : fold.Rows(LabelledPart.Train).Count == 0 ? "leaves no rows to train on"
                : Only(fold, LabelledPart.Dev) is { } only ? $"has {only} in every row"
                : Only(fold, LabelledPart.Train) is { } left ? $"leaves {left} in every row that trains"
                : null;
            if (lack is not null)
            {
                throw new InputDataException($"fold {f + 1} of {count} {lack}", set.Name, "two different labels or more in every fold, and in the others together",
                    $"fewer folds ({setting}), or none");
            }
        }
    }

    private static string? Only(LabelledSet set, LabelledPart part)
    {
        IReadOnlyList<int> rows = set.Rows(part);
        if (set.Kind == LabelKind.Class)
        {
            int first = set.GetClass(rows[0]);
            return rows.All(r => set.GetClass(r) == first) ? $"the class '{set.LabelNames[first]}'" : null;
        }
        if (set.Kind == LabelKind.PerBase)
        {
            IReadOnlyList<long> counts = set.BaseCounts(part);
            return counts.Count(c => c > 0) switch
            {
                0 => "no label at any base",
                1 => $"the class '{set.LabelNames[counts.ToList().FindIndex(c => c > 0)]}' at every base",
                _ => null,
            };
        }
        float[] values = set.GetValues(rows[0]).ToArray();
        return rows.All(r => set.GetValues(r).SequenceEqual(values)) ? "the same values" : null;
    }
}
