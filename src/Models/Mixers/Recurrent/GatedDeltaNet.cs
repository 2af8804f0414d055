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
public sealed class GatedDeltaNet : Recurrence
{
    private readonly HeadShape _heads;
    private readonly double _eps;
    private readonly int _chunk;
    private readonly int _taps;

    /// <summary>Creates one direction: by default a head for 64 channels, keys 3/4 as wide as the model, values twice as wide as keys.</summary>
    public GatedDeltaNet(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _heads = HeadShape.Of(config, 0, 0.75, 1.5);
        (_eps, _chunk, _taps) = (config.NormEps, config.Recurrent.Chunk, config.Recurrent.DConv);
        Conv1d = register_module("conv1d", new DepthwiseConv(Convolved, _taps, false));
        DtBias = Vector("dt_bias", StepSizes.Initial([_heads.Count], config.Recurrent));
        using DisposeScope scope = NewDisposeScope();
        ALog = Vector("A_log", rand([_heads.Count]).mul(15).add(1).log());
        NormWeight = Vector("norm_weight", ones([_heads.Value]));
    }

    /// <summary>Over q, k and v: [heads (2 n + p), 1, taps].</summary>
    public DepthwiseConv Conv1d { get; }

    /// <summary>[heads].</summary>
    public nn.Parameter DtBias { get; }

    /// <summary>[heads].</summary>
    public nn.Parameter ALog { get; }

    /// <summary>Of each head's norm: [p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => Convolved + _heads.Values + (2 * _heads.Count);

    /// <inheritdoc/>
    public override int OutputWidth => _heads.Values;

    /// <inheritdoc/>
    public override double Flops => DeltaRule.Flops(_heads.Count, _heads.Key, _heads.Value, _chunk);

    private int Convolved => (2 * _heads.Keys) + _heads.Values;

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, _taps - 1, Convolved], [batch, _heads.Count, _heads.Key, _heads.Value]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        Tensor[] parts = x.split([Convolved, _heads.Values, _heads.Count, _heads.Count], 2);
        Tensor[] qkv = ShortConv.Run(parts[0], Conv1d, state?[0], sequenceIds).split([_heads.Keys, _heads.Keys, _heads.Values], 2);
        Tensor g = nn.functional.softplus(parts[3].to(wide) + DtBias.to(wide)) * ALog.to(wide).exp().neg();
        Tensor q = UnitLength(Heads(qkv[0], _heads.Count)) * Math.Pow(_heads.Key, -0.5);
        (Tensor y, Tensor last) = DeltaRule.Run(q, UnitLength(Heads(qkv[1], _heads.Count)), Heads(qkv[2], _heads.Count), g,
            parts[2].to(wide).sigmoid(), state?[1], sequenceIds, _chunk);
        state?[1].copy_(last);
        return GatedHeads(y, parts[1], NormWeight, _eps);
    }
}
