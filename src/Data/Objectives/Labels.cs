namespace GenoSeq.Data;

/// <summary>Conventions for label arrays.</summary>
public static class Labels
{
    /// <summary>The label of a position that does not count, as in PyTorch's cross-entropy.</summary>
    public const int Ignored = -100;
}
