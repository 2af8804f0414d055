namespace GenoSeq.Data;

/// <summary>How bases become words.</summary>
public sealed record KmerOptions
{
    /// <summary>Bases in a word, 1 to 8.</summary>
    public int K { get; init; } = 6;

    /// <summary>A word begins at every base; off: words side by side.</summary>
    public bool Overlapping { get; init; }

    /// <summary>Every problem with these options, as "key: problem"; nothing if there is none.</summary>
    public IEnumerable<string> Validate()
    {
        if (K is < 1 or > 8) yield return $"k: must be from 1 to 8, not {K}";
    }
}
