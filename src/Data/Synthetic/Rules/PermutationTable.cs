namespace GenoSeq.Data;

/// <summary>The elements of a symmetric group in lexicographic order, as numbers, and their products.</summary>
internal sealed class PermutationTable
{
    private static readonly Lazy<PermutationTable> s_ofThree = new(() => new PermutationTable(3));
    private static readonly Lazy<PermutationTable> s_ofFive = new(() => new PermutationTable(5));

    private readonly Dictionary<string, int> _numbers = [];
    private readonly int[,] _products;

    private PermutationTable(int things)
    {
        int[][] elements = [.. Lexicographic([], things)];
        Count = elements.Length;
        for (int i = 0; i < Count; i++)
        {
            _numbers.Add(Name(elements[i]), i);
        }
        _products = new int[Count, Count];
        for (int s = 0; s < Count; s++)
        {
            for (int g = 0; g < Count; g++)
            {
                _products[s, g] = NumberOf(elements[g].Select(i => elements[s][i]));
            }
        }
        // They generate the group, and since the identity is among them, words of any great length reach all of it.
        int[] all = elements[0];
        Generators =
        [
            0,
            NumberOf([1, 0, .. all[2..]]),
            NumberOf(all.Select(i => (i + 1) % things)),
            NumberOf(all.Select(i => (i + things - 1) % things)),
        ];
    }

    /// <summary>Number of elements; element 0 is the identity.</summary>
    internal int Count { get; }

    /// <summary>The identity, the swap of the first two, the cycle i → i + 1, and its inverse.</summary>
    internal int[] Generators { get; }

    /// <summary>The element i → s[g[i]].</summary>
    internal int Product(int s, int g) => _products[s, g];

    internal static PermutationTable Of(PermutationGroup group) => (group == PermutationGroup.S3 ? s_ofThree : s_ofFive).Value;

    private int NumberOf(IEnumerable<int> element) => _numbers[Name(element)];

    private static string Name(IEnumerable<int> element) => string.Concat(element.Select(i => (char)('0' + i)));

    private static IEnumerable<int[]> Lexicographic(int[] begun, int things) => begun.Length == things
        ? [begun]
        : Enumerable.Range(0, things).Where(i => !begun.Contains(i)).SelectMany(i => Lexicographic([.. begun, i], things));
}
