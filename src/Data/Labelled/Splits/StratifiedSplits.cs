namespace GenoSeq.Data;

/// <summary>
/// Seeded divisions of rows into parts that have the same labels in the same shares. Pure functions: the same arguments
/// give the same division on every machine.
/// </summary>
/// <remarks>Shares are positive and sum to 1. The result holds, for each row, the index of its share.</remarks>
public static class StratifiedSplits
{
    private const string Stream = "labelled/split";

    /// <summary>Of each class, every part gets its share, to within one row; the first part gets a row of every class.</summary>
    /// <param name="classes">Class index of each row, 0 or more.</param>
    /// <param name="shares">Shares of the parts.</param>
    /// <param name="seed">Chooses the rows.</param>
    /// <exception cref="ArgumentException">The shares are not positive or do not sum to 1; a class is negative.</exception>
    public static int[] ByClass(ReadOnlySpan<int> classes, ReadOnlySpan<double> shares, long seed) => ByClass(classes, shares, seed, firstHasAll: true);

    /// <summary>The same; without <paramref name="firstHasAll"/> the first part has no claim to a row of every class, as where all parts are alike.</summary>
    internal static int[] ByClass(ReadOnlySpan<int> classes, ReadOnlySpan<double> shares, long seed, bool firstHasAll)
    {
        CheckShares(shares);
        var rows = new List<List<int>>();
        for (int r = 0; r < classes.Length; r++)
        {
            if (classes[r] < 0)
            {
                throw new ArgumentException($"the class of row {r} is {classes[r]}, and must be 0 or more", nameof(classes));
            }
            while (rows.Count <= classes[r])
            {
                rows.Add([]);
            }
            rows[classes[r]].Add(r);
        }
        var parts = new int[classes.Length];
        // What rounding has kept from each part so far, so that many small classes do not all round the same way.
        var owed = new double[shares.Length];
        for (int c = 0; c < rows.Count; c++)
        {
            int[] counts = Share(rows[c].Count, shares, owed, firstHasAll);
            var random = new CounterRandom(seed, Stream, c);
            Shuffle(rows[c], ref random);
            int next = 0;
            for (int p = 0; p < counts.Length; p++)
            {
                for (int i = 0; i < counts[p]; i++)
                {
                    parts[rows[c][next++]] = p;
                }
            }
        }
        return parts;
    }

    /// <summary>Rows are ordered by value and cut into bins of equally many; each bin is divided as a class is.</summary>
    /// <param name="values">Target of each row; equal values are of one bin.</param>
    /// <param name="shares">Shares of the parts.</param>
    /// <param name="seed">Chooses the rows.</param>
    /// <param name="bins">Number of bins, fewer where a part would have no row of each.</param>
    /// <exception cref="ArgumentException">The shares are not positive or do not sum to 1; a value is no number; there is no bin.</exception>
    public static int[] ByQuantile(ReadOnlySpan<float> values, ReadOnlySpan<double> shares, long seed, int bins = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        float[] sorted = values.ToArray();
        var rows = new int[values.Length];
        for (int r = 0; r < rows.Length; r++)
        {
            rows[r] = float.IsNaN(values[r]) ? throw new ArgumentException($"the value of row {r} is no number", nameof(values)) : r;
        }
        Array.Sort(sorted, rows);
        // Every bin has a row for each part: bins of one row would all fall to the first part, which gets a row of every class.
        CheckShares(shares);
        bins = (int)Math.Clamp(values.Length * Smallest(shares), 1, bins);
        var classes = new int[values.Length];
        int bin = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            bin = i > 0 && sorted[i] == sorted[i - 1] ? bin : (int)((long)i * bins / rows.Length);
            classes[rows[i]] = bin;
        }
        return ByClass(classes, shares, seed);
    }

    /// <summary>
    /// Iterative stratification of rows with several labels: the rarest label that is left is dealt out first, each of its
    /// rows to the part that wants it most.
    /// </summary>
    /// <remarks>Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011, algorithm 1.</remarks>
    /// <param name="values">0 or 1 for each label of each row, row by row [rows, labels].</param>
    /// <param name="labels">Number of labels, 1 or more.</param>
    /// <param name="shares">Shares of the parts.</param>
    /// <param name="seed">Orders the rows and breaks ties.</param>
    /// <exception cref="ArgumentException">The shares are not positive or do not sum to 1; the values are not rows times labels.</exception>
    public static int[] ByLabels(ReadOnlySpan<float> values, int labels, ReadOnlySpan<double> shares, long seed)
    {
        CheckShares(shares);
        ArgumentOutOfRangeException.ThrowIfLessThan(labels, 1);
        if (values.Length % labels != 0)
        {
            throw new ArgumentException($"{values.Length} values are no rows of {labels} labels", nameof(values));
        }
        return new IterativeStratification(values, labels, shares, new CounterRandom(seed, Stream + "/labels", 0)).Deal();
    }

    internal static void Shuffle(List<int> rows, ref CounterRandom random)
    {
        for (int i = rows.Count - 1; i > 0; i--)
        {
            int j = (int)random.NextInt64(i + 1);
            (rows[i], rows[j]) = (rows[j], rows[i]);
        }
    }

    private static double Smallest(ReadOnlySpan<double> shares)
    {
        double smallest = 1;
        foreach (double share in shares)
        {
            smallest = Math.Min(smallest, share);
        }

        return smallest;
    }

    private static int[] Share(int rows, ReadOnlySpan<double> shares, double[] owed, bool firstHasAll)
    {
        var counts = new int[shares.Length];
        int left = rows;
        for (int p = 0; p < counts.Length; p++)
        {
            // A whole number of rows may come out a hair below itself in floating point.
            counts[p] = (int)Math.Floor((shares[p] * rows) + 1e-9);
            owed[p] += (shares[p] * rows) - counts[p];
            left -= counts[p];
        }
        foreach (int p in Enumerable.Range(0, counts.Length).OrderByDescending(p => owed[p]).Take(left))
        {
            counts[p]++;
            owed[p]--;
        }
        if (firstHasAll && rows > 0 && counts[0] == 0)
        {
            // A class that training never sees cannot be learnt.
            int largest = Array.IndexOf(counts, counts.Max());
            counts[largest]--;
            counts[0]++;
            owed[largest]++;
            owed[0]--;
        }
        return counts;
    }

    private static void CheckShares(ReadOnlySpan<double> shares)
    {
        double sum = 0;
        foreach (double share in shares)
        {
            sum += share > 0 ? share : throw new ArgumentException($"the share {share} is not positive", nameof(shares));
        }
        if (!(Math.Abs(sum - 1) < 1e-9))
        {
            throw new ArgumentException($"the shares sum to {sum}, and must sum to 1", nameof(shares));
        }
    }
}
