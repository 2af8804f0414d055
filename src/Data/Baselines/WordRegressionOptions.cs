namespace GenoSeq.Data;

/// <summary>Settings of <see cref="WordRegression"/>.</summary>
public sealed record WordRegressionOptions
{
    /// <summary>Longest words counted, 1 to 8; all shorter ones are counted too.</summary>
    public int Words { get; init; } = 5;

    /// <summary>True if a word and its reverse complement are one feature: for labels that do not depend on the strand.</summary>
    public bool BothStrands { get; init; }

    /// <summary>Strength of the penalty: half of it times the squared weights of standardised features is added to the mean loss.</summary>
    public double Penalty { get; init; } = 1e-3;

    /// <summary>Most steps of the minimiser.</summary>
    public int MaxIterations { get; init; } = 500;

    /// <summary>The minimiser ends when no entry of the gradient is larger.</summary>
    public double Tolerance { get; init; } = 1e-5;

    /// <summary>Every problem of these options.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Words is < 1 or > 8)
        {
            problems.Add($"Words must be 1 to 8, not {Words}");
        }
        if (!(Penalty >= 0 && double.IsFinite(Penalty)))
        {
            problems.Add($"Penalty must not be negative, not {Penalty}");
        }
        if (MaxIterations < 1)
        {
            problems.Add($"MaxIterations must be at least 1, not {MaxIterations}");
        }
        if (!(Tolerance > 0))
        {
            problems.Add($"Tolerance must be positive, not {Tolerance}");
        }
        return problems;
    }
}
