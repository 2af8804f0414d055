namespace GenoSeq.Data;

/// <summary>How <see cref="SequenceStatistics"/> counts.</summary>
public sealed record SequenceStatisticsOptions
{
    /// <summary>What sequences may hold.</summary>
    public SequenceLetters Letters { get; init; }

    /// <summary>Threads for plain files and for decompression.</summary>
    public int Threads { get; init; } = Math.Min(4, Environment.ProcessorCount);

    /// <summary>Takes the lengths of every file's records.</summary>
    internal SequenceTotals? Totals { get; init; }

    /// <summary>Every problem of these options.</summary>
    public IReadOnlyList<string> Validate() =>
        Threads >= 1 ? [] : [$"{nameof(Threads)} must be at least 1, not {Threads}"];
}
