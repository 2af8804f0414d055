namespace GenoSeq.Data;

/// <summary>How a count model smooths and which strands it counts.</summary>
public sealed record CountModelOptions
{
    /// <summary>
    /// Weight α of the next shorter context, in pseudo-counts: P(b | context) = (count(context, b) + α · P(b | shorter
    /// context)) / (count(context) + α), down to the uniform distribution below the empty context.
    /// </summary>
    /// <remarks>
    /// The default did best or nearly so on held-out twentieths of two bacterial genomes (values from 1 to 128 tried,
    /// orders 3 to 12, flanks 2 to 6). Long contexts on megabase genomes need this much; where counts are plentiful it
    /// hardly matters.
    /// </remarks>
    public double Alpha { get; init; } = 64;

    /// <summary>Count the reverse complement of the training data too.</summary>
    public bool BothStrands { get; init; } = true;

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate() =>
        Alpha > 0 && double.IsFinite(Alpha)
            ? []
            : [FormattableString.Invariant($"Alpha is {Alpha}; it must be a positive number")];
}
