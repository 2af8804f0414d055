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
            int distance = Distance(wanted, folded);
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

    /// <summary>
    /// Edits (insertion, deletion, substitution, swap of neighbours) that turn <paramref name="a"/> into <paramref name="b"/>.
    /// </summary>
    public static int Distance(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        int[] beforeLast = new int[b.Length + 1];
        int[] last = new int[b.Length + 1];
        int[] row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (int i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = a[i - 1] == b[j - 1] ? 0 : 1;
                int best = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    best = Math.Min(best, beforeLast[j - 2] + 1);
                }

                row[j] = best;
            }

            (beforeLast, last, row) = (last, row, beforeLast);
        }

        return last[b.Length];
    }

    private static string Fold(string name) => name.TrimStart('-').Replace('-', '_').ToLowerInvariant();

    private static bool IsInitials(string letters, string name) =>
        letters.Length > 1 && name.Split('_', StringSplitOptions.RemoveEmptyEntries).Select(word => word[0]).SequenceEqual(letters);

    // "lr" is a part of "min_lr", "rank" of "dt_rank"; a single letter is a part of too much.
    private static bool IsPart(string part, string whole) =>
        part.Length > 1 && whole.Split('_') is { Length: > 1 } words && words.Contains(part);
}
