namespace GenoSeq.Data;

/// <summary>What a <see cref="MixedOrderModel"/> counts, and how much memory it may take.</summary>
public sealed record MixedOrderOptions
{
    /// <summary>The longest context.</summary>
    public const int MaxOrder = 24;

    /// <summary>Lengths of context, ascending, each from 1 to <see cref="MaxOrder"/>, at most 16 of them.</summary>
    public IReadOnlyList<int> Orders { get; init; } = [1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 13, 14, 16, 18, 20, 24];

    /// <summary>Bases that have to repeat before a copy of what followed them is tried, ascending, each from 12 to 32, at most 3 of them.</summary>
    public IReadOnlyList<int> RepeatLengths { get; init; } = [16, 24];

    /// <summary>Every word read is counted on the other strand too, and inverted repeats are copied.</summary>
    public bool BothStrands { get; init; } = true;

    /// <summary>
    /// Bytes of all tables at most, at least 32 MiB. Fewer bases take less; where more were read than tables have room for, rare long contexts give
    /// way to others, and repeats are sought among the first bases.
    /// </summary>
    public long MemoryBytes { get; init; } = 1L << 30;

    /// <summary>The default with no context longer than so many bases.</summary>
    /// <param name="order">1 to <see cref="MaxOrder"/>.</param>
    public static MixedOrderOptions UpTo(int order)
    {
        var all = new MixedOrderOptions();
        return all with { Orders = [.. all.Orders.Where(o => o < order), order] };
    }

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Orders.Count is 0 or > 16 || Orders.Any(o => o is < 1 or > MaxOrder) || !Ascending(Orders))
        {
            problems.Add($"Orders are {string.Join(", ", Orders)}; they must be 1 to 16 different numbers from 1 to {MaxOrder}, ascending");
        }
        if (RepeatLengths.Count > 3 || RepeatLengths.Any(l => l is < 12 or > 32) || !Ascending(RepeatLengths))
        {
            problems.Add($"RepeatLengths are {string.Join(", ", RepeatLengths)}; they must be at most 3 different numbers from 12 to 32, ascending");
        }
        if (MemoryBytes < 32L << 20)
        {
            problems.Add(FormattableString.Invariant($"MemoryBytes is {MemoryBytes}; it must be at least {32L << 20} (32 MiB)"));
        }
        return problems;
    }

    private static bool Ascending(IReadOnlyList<int> numbers) => numbers.Zip(numbers.Skip(1)).All(p => p.First < p.Second);
}
