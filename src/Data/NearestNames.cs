namespace GenoSeq.Data;

/// <summary>Finds the names most like a misspelt one, for error messages.</summary>
public static class NearestNames
{
    /// <summary>
    /// Returns up to <paramref name="count"/> candidates, the most similar first; ties keep the candidates' order.
    /// </summary>
    /// <remarks>
    /// The measure is the edit distance of Levenshtein (1966) without regard to case. A name that equals another but
    /// for a
    /// <c>chr</c> prefix counts as distance 0, since that is the commonest disagreement between genome files.
    /// </remarks>
    public static IReadOnlyList<string> Find(string name, IEnumerable<string> candidates, int count = 3)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        return [.. candidates
            .Select((candidate, order) => (candidate, order, distance: Distance(name, candidate)))
            .OrderBy(c => c.distance).ThenBy(c => c.order)
            .Take(count)
            .Select(c => c.candidate)];
    }

    /// <summary>True if the two names differ only by one of them having the prefix <c>chr</c>.</summary>
    public static bool DifferByChrPrefix(string a, string b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        return a.Length != b.Length && string.Equals(WithoutChr(a), WithoutChr(b), StringComparison.OrdinalIgnoreCase);
    }

    private static string WithoutChr(string name) =>
        name.StartsWith("chr", StringComparison.OrdinalIgnoreCase) ? name[3..] : name;

    private static int Distance(string a, string b)
    {
        if (DifferByChrPrefix(a, b))
        {
            return 0;
        }
        // Two rows of the dynamic programme suffice for the distance alone.
        var previous = new int[b.Length + 1];
        var current = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
        {
            previous[j] = j;
        }
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                current[j] = Math.Min(Math.Min(current[j - 1], previous[j]) + 1, previous[j - 1] + cost);
            }
            (previous, current) = (current, previous);
        }
        return previous[b.Length];
    }
}
