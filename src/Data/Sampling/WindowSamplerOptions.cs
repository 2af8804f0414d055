namespace GenoSeq.Data;

/// <summary>What a sequential sampler does with the rest of an interval that is shorter than a window.</summary>
public enum TailPolicy
{
    /// <summary>Leaves it out.</summary>
    Drop,

    /// <summary>
    /// Returns it as a shorter window, which a batch pads on the right. Intervals shorter than a window are returned
    /// too.
    /// </summary>
    Short,

    /// <summary>
    /// Moves the last window back so that it is full, and marks the positions already seen as no targets.
    /// </summary>
    SlideBack,
}

/// <summary>How windows are cut from intervals and in which order they come.</summary>
public sealed record WindowSamplerOptions
{
    /// <summary>Bases in a window.</summary>
    public int Length { get; init; } = 1024;

    /// <summary>Seed of the order and of the windows' phases.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>
    /// True for training: random phase per interval and epoch, random order. False for evaluation: windows side by side
    /// from each interval's start, in order, the same in every epoch.
    /// </summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>What happens to the rest of an interval when <see cref="Shuffle"/> is false.</summary>
    public TailPolicy Tail { get; init; } = TailPolicy.Short;

    /// <summary>
    /// A shuffled window with a larger share of N than this is replaced by another window of the epoch; 1 keeps every
    /// window. Not used when <see cref="Shuffle"/> is false, since evaluation must see every base.
    /// </summary>
    public double MaxNFraction { get; init; } = 0.5;

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Length < 1)
        {
            problems.Add($"Length is {Length}; it must be at least 1");
        }
        if (!(MaxNFraction is >= 0 and <= 1))
        {
            problems.Add(FormattableString.Invariant($"MaxNFraction is {MaxNFraction}; it must be from 0 to 1"));
        }
        if (!Enum.IsDefined(Tail))
        {
            problems.Add($"Tail is {(int)Tail}; it must be Drop, Short or SlideBack");
        }
        return problems;
    }
}
