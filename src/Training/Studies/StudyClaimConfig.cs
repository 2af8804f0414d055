using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Studies;

/// <summary>How two sides of a claim are compared.</summary>
public enum ClaimEffect
{
    /// <summary><c>of</c> minus <c>against</c>.</summary>
    Difference,

    /// <summary><c>of</c> over <c>against</c>; its interval is that of the mean of logarithms.</summary>
    Ratio,

    /// <summary><c>of</c> alone.</summary>
    Value,
}

/// <summary>What a claim expects of its effect.</summary>
public enum ClaimExpectation
{
    /// <summary>Above the threshold.</summary>
    Above,

    /// <summary>Below the threshold.</summary>
    Below,

    /// <summary>No further from the neutral value (0 of a difference, 1 of a ratio) than the threshold; of a ratio in either direction.</summary>
    Within,
}

/// <summary>One side of a claim: a model, under some conditions.</summary>
public record ClaimSideConfig : IValidated
{
    /// <summary>Name of a model of the study, or of a reference.</summary>
    public string Model { get; init; } = "";

    /// <summary>Conditions and places of measurement that select values; what is not named is averaged over, matched between the sides.</summary>
    public IReadOnlyDictionary<string, string> At { get; init; } = new Dictionary<string, string>();

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Model)) yield return "model: is empty";
    }
}

/// <summary>What a claim supposes: that a model has learnt its task at all, say. Where it does not hold, the claim is not tested.</summary>
public sealed record ClaimPremiseConfig : ClaimSideConfig
{
    /// <summary>What the mean over seeds of the claim's metric is above.</summary>
    public double Above { get; init; }
}

/// <summary>
/// A published claim as a comparison that the study decides. The effect is taken seed by seed; the claim is supported where the 95 %
/// confidence interval of its mean (Student's t over seeds) lies wholly where the claim expects it, contradicted where it lies wholly
/// elsewhere, and undecided otherwise.
/// </summary>
public sealed record StudyClaimConfig : IValidated
{
    /// <summary>A short name, unique in the study.</summary>
    public string Name { get; init; } = "";

    /// <summary>The claim, in a sentence.</summary>
    public string Text { get; init; } = "";

    /// <summary>Who made it: authors, publication.</summary>
    public string Source { get; init; } = "";

    /// <summary>The published effect, in words: what ours stands beside.</summary>
    public string Published { get; init; } = "";

    /// <summary>The metric that is compared.</summary>
    public string Metric { get; init; } = "";

    /// <summary>The side that the claim is about.</summary>
    public ClaimSideConfig Of { get; init; } = new();

    /// <summary>What it is compared with; null with effect value.</summary>
    public ClaimSideConfig? Against { get; init; }

    /// <summary>difference, ratio or value.</summary>
    public ClaimEffect Effect { get; init; } = ClaimEffect.Difference;

    /// <summary>above, below or within.</summary>
    public ClaimExpectation Expect { get; init; } = ClaimExpectation.Above;

    /// <summary>Of above and below: the bound of the effect. Of within: the largest distance.</summary>
    public double Threshold { get; init; }

    /// <summary>What the claim supposes; all of it must hold.</summary>
    public IReadOnlyList<ClaimPremiseConfig> Given { get; init; } = [];

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
        if (string.IsNullOrWhiteSpace(Text)) yield return "text: is empty";
        if (string.IsNullOrWhiteSpace(Metric)) yield return "metric: is empty";
        if (Effect == ClaimEffect.Value && Against is not null) yield return "against: cannot be given with effect value";
        if (Effect != ClaimEffect.Value && Against is null) yield return "against: is missing; only effect value has one side";
        if (Effect == ClaimEffect.Ratio && Expect != ClaimExpectation.Within && !(Threshold > 0)) yield return $"threshold: of a ratio must be positive, not {Threshold}";
        if (Expect == ClaimExpectation.Within && !(Threshold > 0)) yield return $"threshold: a distance must be positive, not {Threshold}";
    }
}
