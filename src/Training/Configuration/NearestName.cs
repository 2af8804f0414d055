using GenoSeq.Data;

namespace GenoSeq.Training.Configuration;

/// <summary>Finds the names that a mistyped one was probably meant to be.</summary>
public static class NearestName
{
    /// <summary>At most <paramref name="most"/> candidates near to <paramref name="name"/>, nearest first.</summary>
    /// <remarks>
    /// Case and the difference between <c>-</c> and <c>_</c> do not count. Near means a restricted Damerau–Levenshtein
    /// distance of at most a third of the longer name's length (and at least 1), or one name being a whole part of the other
    /// (<c>lr</c> and <c>min_lr</c>) or its initials (<c>wd</c> and <c>weight_decay</c>). Ties keep the candidates' order.
    /// </remarks>
    public static IReadOnlyList<string> Suggest(string name, IEnumerable<string> candidates, int most = 3)
    {
        string wanted = Fold(name);
        List<(int Distance, int Order, string Name)> found = [];
        int order = 0;
        foreach (string candidate in candidates)
        {
            string folded = Fold(candidate);
            int distance = EditDistance.Between(wanted, folded);
            int limit = Math.Max(1, Math.Max(wanted.Length, folded.Length) / 3);
            if (distance <= limit && distance < Math.Max(wanted.Length, folded.Length))
            {
                found.Add((distance, order, candidate));
            }
            else if (IsPart(wanted, folded) || IsPart(folded, wanted) || IsInitials(wanted, folded))
            {
                found.Add((limit + distance, order, candidate));
            }

            order++;
        }

        found.Sort((a, b) => a.Distance != b.Distance ? a.Distance.CompareTo(b.Distance) : a.Order.CompareTo(b.Order));
        return [.. found.Take(most).Select(f => f.Name)];
    }

    private static string Fold(string name) => name.TrimStart('-').Replace('-', '_').ToLowerInvariant();

    private static bool IsInitials(string letters, string name) =>
        letters.Length > 1 && name.Split('_', StringSplitOptions.RemoveEmptyEntries).Select(word => word[0]).SequenceEqual(letters);

    // "lr" is a part of "min_lr", "rank" of "dt_rank"; a single letter is a part of too much.
    private static bool IsPart(string part, string whole) =>
        part.Length > 1 && whole.Split('_') is { Length: > 1 } words && words.Contains(part);
}
