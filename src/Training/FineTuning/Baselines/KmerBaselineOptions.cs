namespace GenoSeq.Training.FineTuning.Baselines;

/// <summary>The k-mer logistic regression: what is counted, what the validation part chooses from, when to stop.</summary>
public sealed record KmerBaselineOptions
{
    /// <summary>Largest k that the features can have.</summary>
    public const int MaxK = 6;

    /// <summary>Values of k to choose from, each 1 to 6; the features of k are the counts of all words of 1 to k bases.</summary>
    public int[] Ks { get; init; } = [3, 4, 5, 6];

    /// <summary>
    /// L2 strengths λ to choose from, in mean loss + λ/2 · |weights|² over standardised features. scikit-learn's C is 1 / (λ · examples).
    /// </summary>
    public double[] Strengths { get; init; } = [10, 1, 0.1, 1e-2, 1e-3, 1e-4];

    /// <summary>Count a word and its reverse complement as one: for tasks whose label does not depend on the strand.</summary>
    public bool BothStrands { get; init; }

    /// <summary>Most iterations of L-BFGS for one fit.</summary>
    public int MaxIterations { get; init; } = 300;

    /// <summary>A fit ends when no component of the gradient is larger.</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Ks.Length == 0 || Ks.Any(k => k is < 1 or > MaxK))
        {
            problems.Add(FormattableString.Invariant($"Ks is [{string.Join(", ", Ks)}]; expected one number or more from 1 to {MaxK}"));
        }

        if (Strengths.Length == 0 || Strengths.Any(s => !(s >= 0 && double.IsFinite(s))))
        {
            problems.Add("Strengths: expected one number or more, none negative");
        }

        if (MaxIterations < 1)
        {
            problems.Add(FormattableString.Invariant($"MaxIterations is {MaxIterations}; it must be positive"));
        }

        if (!(Tolerance > 0))
        {
            problems.Add(FormattableString.Invariant($"Tolerance is {Tolerance}; it must be positive"));
        }

        return problems;
    }
}
