namespace GenoSeq.Models.Mixers;

/// <summary>
/// Floating-point operations and state of a mixer, as functions of what they depend on; widths are taken in. What is counted is said at
/// <see cref="ModelFlops"/>.
/// </summary>
/// <param name="Forward">Operations of a forward pass over a sequence of so many positions, for each of them.</param>
/// <param name="Step">Operations of decoding the position with so many positions before it.</param>
public sealed record MixerWork(Func<long, double> Forward, Func<long, double> Step)
{
    /// <summary>Operations once in a pass over sequences of so many positions, however many sequences there are: the making of long filters.</summary>
    public Func<long, double> Filter { get; init; } = static _ => 0;

    /// <summary>Numbers that the states of so many sequences hold behind so many positions; null of a recurrence whose state does not grow.</summary>
    public Func<long, long, long>? State { get; init; }

    /// <summary>The same number of operations for every position.</summary>
    internal static MixerWork Constant(double flops) => new(_ => flops, _ => flops);

    /// <summary>So many operations more for every position.</summary>
    internal MixerWork Plus(double flops) => this with { Forward = x => Forward(x) + flops, Step = x => Step(x) + flops };

    /// <summary>Both, with this one's state.</summary>
    internal MixerWork And(MixerWork other) => this with
    {
        Forward = x => Forward(x) + other.Forward(x),
        Step = x => Step(x) + other.Step(x),
        Filter = x => Filter(x) + other.Filter(x),
    };
}
