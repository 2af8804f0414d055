namespace GenoSeq.Data;

/// <summary>How the index of a file is found or made.</summary>
public sealed record FastaIndexOptions
{
    /// <summary>Make the index anew even where a fresh one exists.</summary>
    public bool Rebuild { get; init; }

    /// <summary>
    /// Where indexes of files in folders that cannot be written are kept; null for
    /// <c>$XDG_CACHE_HOME/genoseq/index</c>, or <c>~/.cache/genoseq/index</c>.
    /// </summary>
    public string? CacheFolder { get; init; }

    /// <summary>Told in words of what the user should know: an index that is remade, or one that cannot be kept.</summary>
    public Action<string>? Warn { get; init; }
}
