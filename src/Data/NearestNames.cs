namespace GenoSeq.Data;

/// <summary>Finds the names most like a misspelt one, for error messages.</summary>
public static class NearestNames
{
    /// <summary>
    /// Returns up to <paramref name="count"/> candidates, the most similar first; ties keep the candidates' order.
    /// </summary>
    /// <remarks>
    /// The measure is <see cref="EditDistance"/> without regard to case. A name that equals another but
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
        return EditDistance.Between(a.ToLowerInvariant(), b.ToLowerInvariant());
    }
}
