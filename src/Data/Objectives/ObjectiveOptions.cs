namespace GenoSeq.Data;

/// <summary>What the model is trained to predict.</summary>
public enum ObjectiveKind
{
    /// <summary>Masked language model: chosen bases from both sides' context.</summary>
    Mlm,

    /// <summary>Causal language model: every base from the bases before it.</summary>
    Causal,
}

/// <summary>
/// How windows become inputs and labels. The defaults of the corruption are those of BERT and of Caduceus.
/// </summary>
public sealed record ObjectiveOptions
{
    /// <summary>What is predicted.</summary>
    public ObjectiveKind Kind { get; init; } = ObjectiveKind.Mlm;

    /// <summary>Probability, for each position on its own, of being chosen as a target (MLM).</summary>
    public double MaskProbability { get; init; } = 0.15;

    /// <summary>Share of the chosen positions that show the mask token.</summary>
    public double MaskedShare { get; init; } = 0.8;

    /// <summary>Share of the chosen positions that show a random token; the rest show the true one.</summary>
    public double RandomShare { get; init; } = 0.1;

    /// <summary>Which tokens the random ones are drawn from.</summary>
    public ReplaceWith ReplaceWith { get; init; } = ReplaceWith.Bases;

    /// <summary>
    /// Follow the published Caduceus training exactly: N is shown as padding, and positions that are no target may be
    /// corrupted too (their label stays ignored). Off, N stays N and only targets are corrupted.
    /// </summary>
    public bool ParityNToPad { get; init; }

    /// <summary>
    /// Probability that a window is read from the opposite strand. Use 0 for evaluation and for equivariant models.
    /// </summary>
    public double ReverseComplementProbability { get; init; } = 0.5;

    /// <summary>Loss weight of lower-case (soft-masked) bases; at 1 no weights are made.</summary>
    public float SoftMaskWeight { get; init; } = 1;

    /// <summary>Seed of corruption and strand choice.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>The same objective for evaluation: forward strand only, all bases weighted alike.</summary>
    public ObjectiveOptions ForEvaluation() => this with { ReverseComplementProbability = 0, SoftMaskWeight = 1 };

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (!Enum.IsDefined(Kind))
        {
            problems.Add($"Kind is {(int)Kind}; it must be Mlm or Causal");
        }
        if (!Enum.IsDefined(ReplaceWith))
        {
            problems.Add($"ReplaceWith is {(int)ReplaceWith}; it must be Bases or All");
        }
        Probability(MaskProbability, nameof(MaskProbability));
        Probability(MaskedShare, nameof(MaskedShare));
        Probability(RandomShare, nameof(RandomShare));
        Probability(ReverseComplementProbability, nameof(ReverseComplementProbability));
        // A rounding error in 0.9 + 0.1 must not be reported as a fault.
        if (MaskedShare + RandomShare > 1 + 1e-9)
        {
            problems.Add("MaskedShare and RandomShare add up to more than 1");
        }
        if (!(SoftMaskWeight >= 0) || float.IsInfinity(SoftMaskWeight))
        {
            problems.Add(FormattableString.Invariant($"SoftMaskWeight is {SoftMaskWeight}; it must be 0 or more"));
        }
        return problems;

        void Probability(double value, string name)
        {
            if (!(value is >= 0 and <= 1))
            {
                problems.Add(FormattableString.Invariant($"{name} is {value}; it must be from 0 to 1"));
            }
        }
    }
}
