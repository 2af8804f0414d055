namespace GenoSeq.Data;

/// <summary>How an input file is read.</summary>
public sealed record InputFileOptions
{
    /// <summary>Whether to take the SHA-256 of the bytes on disk on the way. Costs nothing when false.</summary>
    public bool Digest { get; init; }

    /// <summary>Threads for decompression; 0 chooses by the machine, at most 8. 1 starts none, and with it the
    /// digest is taken on the reading thread too.</summary>
    public int Threads { get; init; }

    /// <summary>Every problem of the values, none if all are usable.</summary>
    public IReadOnlyList<string> Validate() =>
        Threads is < 0 or > MaxThreads ? [$"threads is {Threads}; expected 0 (automatic) to {MaxThreads}"] : [];

    internal const int MaxThreads = 256;

    internal int EffectiveThreads => Threads > 0 ? Threads : Math.Min(Environment.ProcessorCount, 8);
}
