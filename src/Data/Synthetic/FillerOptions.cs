namespace GenoSeq.Data;

/// <summary>Where filler stands.</summary>
public enum FillerSpacing
{
    /// <summary>The same number of fillers behind every base.</summary>
    Fixed,

    /// <summary>Bases at random places, the first at the row's beginning; as many in every row.</summary>
    Random,
}

/// <summary>How bases are thinned with tokens that say nothing.</summary>
public sealed record FillerOptions
{
    /// <summary>Tokens for each base, 1 to 64: 1 is no filler.</summary>
    public int Factor { get; init; } = 1;

    /// <summary>Where filler stands.</summary>
    public FillerSpacing Spacing { get; init; } = FillerSpacing.Fixed;

    /// <summary>Every problem with these options, as "key: problem"; nothing if there is none.</summary>
    public IEnumerable<string> Validate()
    {
        if (Factor is < 1 or > 64) yield return $"factor: must be from 1 to 64, not {Factor}";
        if (!Enum.IsDefined(Spacing)) yield return $"spacing: {Spacing} is neither Fixed nor Random";
    }
}
