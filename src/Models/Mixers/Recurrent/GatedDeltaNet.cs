using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Gated DeltaNet (Yang et al. 2024, "Gated Delta Networks: Improving Mamba2 with Delta Rule", arXiv 2412.06464). in_proj gives q, k, v, a gate
/// z, and for each head a step size's logit b and a decay's a; q, k and v pass a short convolution with SiLU, q and k are brought to length 1.
/// With alpha = exp(-exp(A_log) softplus(a + dt_bias)) and beta = sigmoid(b),
/// S_t = alpha_t (1 - beta_t k_t k_t^T) S_(t-1) + beta_t k_t v_t^T and y_t = S_t^T q_t / sqrt(n); the output is silu(z) norm(y) w.
/// </summary>
public sealed class GatedDeltaNet : ConvolvedRecurrence
{
    /// <summary>Creates one direction: by default a head for 64 channels, keys 3/4 as wide as the model, values twice as wide as keys.</summary>
    public GatedDeltaNet(ModelConfig config) : base(config, HeadShape.Of(config, 0, 0.75, 1.5))
    {
        ArgumentNullException.ThrowIfNull(config);
        DtBias = Vector("dt_bias", StepSizes.Initial([Shape.Count], config.Recurrent));
        using DisposeScope scope = NewDisposeScope();
        ALog = Vector("A_log", rand([Shape.Count]).mul(15).add(1).log());
    }

    /// <summary>[heads].</summary>
    public nn.Parameter DtBias { get; }

    /// <summary>[heads].</summary>
    public nn.Parameter ALog { get; }

    /// <inheritdoc/>
    public override int InputWidth => Convolved + Shape.Values + (2 * Shape.Count);

    /// <inheritdoc/>
    public override MixerWork Work => DeltaRule.Work(Shape.Count, Shape.Key, Shape.Value, Chunk).Plus(ShortConv.Flops(Conv1d));

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        Tensor[] parts = x.split([Convolved, Shape.Values, Shape.Count, Shape.Count], 2);
        (Tensor q, Tensor k, Tensor v) = Convolve(parts[0], state?[0], sequenceIds);
        Tensor g = nn.functional.softplus(parts[3].to(wide) + DtBias.to(wide)) * ALog.to(wide).exp().neg();
        (Tensor y, Tensor last) = DeltaRule.Run(q, k, v, g, parts[2].to(wide).sigmoid(), state?[1], sequenceIds, Chunk);
        state?[1].copy_(last);
        return GatedHeads(y, parts[1], NormWeight, NormEps);
    }
}
