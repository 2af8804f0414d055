using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Gated linear attention with one gate a head (Yang et al. 2024, "Gated Linear Attention Transformers", arXiv 2312.06635, with a
/// scalar in place of the vector; also Gated RetNet). in_proj gives q, k, v, a gate z and a decay logit for each head:
/// S_t = exp(g_t) S_(t-1) + k_t v_t^T, g = log sigmoid(logit) / 16, y_t = S_t^T q_t / sqrt(n); the output is silu(z) norm(y) w.
/// </summary>
public sealed class SimpleGla : Recurrence
{
    // Decays start near 1: the logits' sigmoid is taken to this power's inverse.
    private const double Normalizer = 16;

    private readonly HeadShape _heads;
    private readonly double _eps;
    private readonly int _chunk;

    /// <summary>Creates one direction: by default a head for 64 channels, keys half as wide as the model.</summary>
    public SimpleGla(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _heads = HeadShape.Of(config, 0, 0.5, 1);
        (_eps, _chunk) = (config.NormEps, config.Recurrent.Chunk);
        DecayBias = Vector("decay_bias", zeros([_heads.Count]));
        NormWeight = Vector("norm_weight", ones([_heads.Value]));
    }

    /// <summary>[heads].</summary>
    public nn.Parameter DecayBias { get; }

    /// <summary>Of each head's norm: [p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => (2 * (_heads.Keys + _heads.Values)) + _heads.Count;

    /// <inheritdoc/>
    public override int OutputWidth => _heads.Values;

    /// <inheritdoc/>
    public override double Flops => ScalarDecay.Flops(_heads.Count, _heads.Count, _heads.Key, _heads.Value, _chunk);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, _heads.Count, _heads.Key, _heads.Value]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        Tensor[] parts = x.split([_heads.Keys, _heads.Keys, _heads.Values, _heads.Values, _heads.Count], 2);
        Tensor q = Heads(parts[0], _heads.Count) * Math.Pow(_heads.Key, -0.5);
        Tensor g = LogSigmoid(parts[4].to(wide) + DecayBias.to(wide)) * (1 / Normalizer);
        (Tensor y, Tensor last) = ScalarDecay.Run(q, Heads(parts[1], _heads.Count), Heads(parts[2], _heads.Count), g, state?[0], sequenceIds, _chunk);
        state?[0].copy_(last);
        return GatedHeads(y, parts[3], NormWeight, _eps);
    }
}
