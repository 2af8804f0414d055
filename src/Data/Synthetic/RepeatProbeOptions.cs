namespace GenoSeq.Data;

/// <summary>What a repeat probe repeats, and which copy it asks for.</summary>
public sealed record RepeatProbeOptions
{
    /// <summary>Bases of the stretch.</summary>
    public int RepeatLength { get; init; } = 256;

    /// <summary>Bases from elsewhere between the copies.</summary>
    public int SpacerLength { get; init; } = 256;

    /// <summary>Share of bases of the second copy that are replaced by another one.</summary>
    public double MutationRate { get; init; }

    /// <summary>The second copy is the opposite strand of the first.</summary>
    public bool ReverseComplement { get; init; }

    /// <summary>The copy whose bases are labelled: 1 or 2.</summary>
    public int Segment { get; init; } = 2;

    /// <summary>
    /// In place of the first copy stand bases from elsewhere: the second one is as far from the row's beginning as ever and repeats nothing,
    /// which tells the gain of a repeat from that of more context.
    /// </summary>
    public bool Control { get; init; }

    /// <summary>Every problem with these options, as "key: problem"; nothing if there is none.</summary>
    public IEnumerable<string> Validate()
    {
        if (RepeatLength is < 2 or > 1 << 28) yield return $"repeat_length: must be from 2 to {1 << 28}, not {RepeatLength}";
        if (SpacerLength is < 0 or > 1 << 28) yield return $"spacer_length: must be from 0 to {1 << 28}, not {SpacerLength}";
        if (!(MutationRate is >= 0 and <= 1)) yield return FormattableString.Invariant($"mutation_rate: must be from 0 to 1, not {MutationRate}");
        if (Segment is not (1 or 2)) yield return $"segment: must be 1 or 2, not {Segment}";
        if (Control && Segment == 1) yield return "control: has no first copy to label; use segment 2";
    }
}
