using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// HGRN2 (Qin et al. 2024, "HGRN2: Gated Linear RNNs with State Expansion", arXiv 2404.07904). in_proj gives q, the forget gate's logits and
/// v; with f = sigmoid(logit) the key is what the gate lets go: S_t = diag(f_t) S_(t-1) + (1 - f_t) v_t^T, y_t = S_t^T silu(q_t); the output is
/// norm(y) w over all heads. The paper's lower bound of f, which grows from layer to layer, is 0 here, as in its first layer.
/// </summary>
public sealed class Hgrn2 : Recurrence
{
    private readonly HeadShape _heads;
    private readonly double _eps;
    private readonly int _chunk;

    /// <summary>Creates one direction: by default a head for 64 channels.</summary>
    public Hgrn2(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _heads = HeadShape.Of(config, 0, 1, 1);
        (_eps, _chunk) = (config.NormEps, config.Recurrent.Chunk);
        NormWeight = Vector("norm_weight", ones([_heads.Values]));
    }

    /// <summary>Of the output's norm: [heads p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => (2 * _heads.Keys) + _heads.Values;

    /// <inheritdoc/>
    public override int OutputWidth => _heads.Values;

    /// <inheritdoc/>
    public override double Flops => VectorDecay.Flops(_heads.Count, _heads.Key, _heads.Value, _chunk);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, _heads.Count, _heads.Key, _heads.Value]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([_heads.Keys, _heads.Keys, _heads.Values], 2);
        Tensor logit = Heads(parts[1], _heads.Count).to(StateType(x));
        // 1 - sigmoid(x) = sigmoid(-x), without what the difference would lose.
        Tensor k = logit.neg().sigmoid().to(x.dtype);
        (Tensor y, Tensor last) = VectorDecay.Run(nn.functional.silu(Heads(parts[0], _heads.Count)), k, Heads(parts[2], _heads.Count),
            LogSigmoid(logit), state?[0], sequenceIds, _chunk);
        state?[0].copy_(last);
        return UnitRms(Joined(y), NormWeight, _eps);
    }
}
