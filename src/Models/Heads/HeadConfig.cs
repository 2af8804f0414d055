namespace GenoSeq.Models.Heads;

/// <summary>What a task's head is made of.</summary>
public sealed record HeadConfig
{
    /// <summary>How positions are pooled.</summary>
    public Pooling Pooling { get; init; } = Pooling.Mean;

    /// <summary>Strands of an equivariant model that are looked at; others have but one.</summary>
    public HeadStrands Strands { get; init; } = HeadStrands.Both;

    /// <summary>Width of the hidden layer of an MLP; 0: a linear head.</summary>
    public int Hidden { get; init; }

    /// <summary>The last layer has a bias; false as in the published classification heads.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>Positions that have numbers of their own with <see cref="Pooling.Position"/>; later ones take the last one's. 0 with other poolings.</summary>
    public int Positions { get; init; }

    /// <summary>Number of outputs: classes, labels or targets.</summary>
    public int Outputs { get; init; } = 2;

    /// <summary>Every problem of the settings, each in one sentence.</summary>
    public IEnumerable<string> Validate()
    {
        if (Hidden < 0) yield return $"hidden must be 0 (linear) or positive, not {Hidden}";
        if (Pooling == Pooling.Position && Positions < 1) yield return $"positions must be at least 1 with pooling by position, not {Positions}";
        if (Outputs < 1) yield return $"outputs must be at least 1, not {Outputs}";
    }
}
