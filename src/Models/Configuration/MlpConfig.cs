namespace GenoSeq.Models;

/// <summary>
/// The MLP of a layer; in every so many layers a mixture of such experts, of which a router chooses
/// some for each position (Lieber et al. 2024, "Jamba").
/// </summary>
public sealed record MlpConfig
{
    internal const string SwiGlu = "swiglu";
    internal const string Gelu = "gelu";

    /// <summary><c>swiglu</c> (Shazeer 2020): down(silu(gate(x)) * up(x)); or <c>gelu</c>: fc2(gelu(fc1(x))), as HyenaDNA has it.</summary>
    public string Kind { get; init; } = SwiGlu;

    /// <summary>Width of the hidden layer, of an expert's too.</summary>
    public int DFf { get; init; } = 704;

    /// <summary>The projections have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>Experts of a mixture; 1: every layer has one dense MLP.</summary>
    public int Experts { get; init; } = 1;

    /// <summary>Experts that a position goes to.</summary>
    public int ExpertsPerToken { get; init; } = 2;

    /// <summary>Layer i has experts where i modulo this is the offset.</summary>
    public int ExpertPeriod { get; init; } = 1;

    /// <summary>See <see cref="ExpertPeriod"/>.</summary>
    public int ExpertOffset { get; init; }

    /// <summary>Weight of the loss that balances the experts in pretraining (Fedus et al. 2021), as part of the mean loss; 0: none.</summary>
    public double RouterLoss { get; init; } = 0.001;

    /// <summary>Whether a layer's MLP is a mixture.</summary>
    public bool IsSparse(int layer) => Experts > 1 && layer % ExpertPeriod == ExpertOffset;

    /// <summary>Operations of a forward pass for each position in a layer's MLP: its matrices; of a mixture the router's and those of the experts chosen.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="dModel">Width of the residual stream.</param>
    public double Flops(int layer, int dModel)
    {
        double one = 2.0 * (Kind == Gelu ? 2 : 3) * dModel * DFf;
        return IsSparse(layer) ? (2.0 * dModel * Experts) + (ExpertsPerToken * one) : one;
    }

    /// <summary>Every problem of the settings.</summary>
    public IEnumerable<string> Validate()
    {
        if (Kind is not (SwiGlu or Gelu)) yield return $"kind must be {SwiGlu} or {Gelu}, not '{Kind}'";
        if (Kind != SwiGlu && Experts > 1) yield return $"kind must be {SwiGlu} where there are experts, not '{Kind}'";
        if (DFf < 1) yield return $"d_ff must be at least 1, not {DFf}";
        if (Experts < 1) yield return $"experts must be at least 1, not {Experts}";
        if (ExpertsPerToken < 1 || (Experts > 1 && ExpertsPerToken > Experts))
        {
            yield return $"experts_per_token must be 1 to experts ({Experts}), not {ExpertsPerToken}";
        }

        if (ExpertPeriod < 1) yield return $"expert_period must be at least 1, not {ExpertPeriod}";
        if (ExpertOffset < 0 || ExpertOffset >= Math.Max(ExpertPeriod, 1)) yield return $"expert_offset must be 0 to expert_period - 1, not {ExpertOffset}";
        if (RouterLoss < 0) yield return $"router_loss must be at least 0, not {RouterLoss}";
    }
}
