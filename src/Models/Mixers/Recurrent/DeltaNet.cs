using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// DeltaNet (Yang et al. 2024, "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", arXiv 2406.06484). in_proj gives
/// q, k, v and a logit for each head; q, k and v pass a short convolution with SiLU, q and k are brought to length 1. With
/// beta = sigmoid(logit), S_t = (1 - beta_t k_t k_t^T) S_(t-1) + beta_t k_t v_t^T and y_t = S_t^T q_t / sqrt(n); the output is norm(y) w.
/// </summary>
public sealed class DeltaNet : Recurrence
{
    private readonly HeadShape _heads;
    private readonly double _eps;
    private readonly int _chunk;
    private readonly int _taps;

    /// <summary>Creates one direction: by default a head for 64 channels.</summary>
    public DeltaNet(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _heads = HeadShape.Of(config, 0, 1, 1);
        (_eps, _chunk, _taps) = (config.NormEps, config.Recurrent.Chunk, config.Recurrent.DConv);
        Conv1d = register_module("conv1d", new DepthwiseConv(Convolved, _taps, false));
        NormWeight = Vector("norm_weight", ones([_heads.Value]));
    }

    /// <summary>Over q, k and v: [heads (2 n + p), 1, taps].</summary>
    public DepthwiseConv Conv1d { get; }

    /// <summary>Of each head's norm: [p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => Convolved + _heads.Count;

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
        Tensor[] parts = x.split([Convolved, _heads.Count], 2);
        Tensor[] qkv = ShortConv.Run(parts[0], Conv1d, state?[0], sequenceIds).split([_heads.Keys, _heads.Keys, _heads.Values], 2);
        Tensor beta = parts[1].to(StateType(x)).sigmoid();
        Tensor q = UnitLength(Heads(qkv[0], _heads.Count)) * Math.Pow(_heads.Key, -0.5);
        (Tensor y, Tensor last) = DeltaRule.Run(q, UnitLength(Heads(qkv[1], _heads.Count)), Heads(qkv[2], _heads.Count),
            zeros_like(beta), beta, state?[1], sequenceIds, _chunk);
        state?[1].copy_(last);
        return Joined(UnitRms(y, NormWeight, _eps));
    }
}
