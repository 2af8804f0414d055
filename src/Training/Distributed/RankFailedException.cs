namespace GenoSeq.Training.Distributed;

/// <summary>Another rank failed, so this one ends too.</summary>
public sealed class RankFailedException : Exception
{
    /// <summary>Composes the message.</summary>
    /// <param name="rank">The rank that failed.</param>
    /// <param name="what">What it was doing.</param>
    /// <param name="message">What it said.</param>
    public RankFailedException(int rank, string what, string message)
        : base($"rank {rank} failed while {what}: {message}")
    {
        Rank = rank;
        What = what;
    }

    /// <summary>The rank that failed.</summary>
    public int Rank { get; }

    /// <summary>What it was doing.</summary>
    public string What { get; }
}
