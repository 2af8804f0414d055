using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Gated linear attention (Yang et al. 2024, "Gated Linear Attention Transformers", arXiv 2312.06635). in_proj gives q, k, v, a gate z and
/// 16 numbers r, of which a second projection makes a logit for each channel of the keys: S_t = diag(exp g_t) S_(t-1) + k_t v_t^T with
/// g = log sigmoid(W r + b) / 16, y_t = S_t^T q_t / sqrt(n); the output is silu(z) norm(y) w.
/// </summary>
public sealed class Gla : Recurrence
{
    private const int Rank = 16;
    private const double Normalizer = 16;

    private readonly HeadShape _heads;
    private readonly double _eps;
    private readonly int _chunk;

    /// <summary>Creates one direction: by default four heads, keys half as wide as the model.</summary>
    public Gla(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _heads = HeadShape.Of(config, 4, 0.5, 1);
        (_eps, _chunk) = (config.NormEps, config.Recurrent.Chunk);
        Decay = register_module("decay", new nn.Linear(Rank, _heads.Keys, true));
        NormWeight = Vector("norm_weight", ones([_heads.Value]));
    }

    /// <summary>From r to the logits of the decays: [heads n, 16] and [heads n].</summary>
    public nn.Linear Decay { get; }

    /// <summary>Of each head's norm: [p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => (2 * (_heads.Keys + _heads.Values)) + Rank;

    /// <inheritdoc/>
    public override int OutputWidth => _heads.Values;

    /// <inheritdoc/>
    public override double Flops => (2.0 * Rank * _heads.Keys) + VectorDecay.Flops(_heads.Count, _heads.Key, _heads.Value, _chunk);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, _heads.Count, _heads.Key, _heads.Value]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([_heads.Keys, _heads.Keys, _heads.Values, _heads.Values, Rank], 2);
        Tensor q = Heads(parts[0], _heads.Count) * Math.Pow(_heads.Key, -0.5);
        Tensor g = LogSigmoid(Gemm.Linear(parts[4], Cast(Decay.weight, x), Cast(Decay.bias!, x), x.dtype).to(StateType(x))) * (1 / Normalizer);
        (Tensor y, Tensor last) = VectorDecay.Run(q, Heads(parts[1], _heads.Count), Heads(parts[2], _heads.Count), Heads(g, _heads.Count),
            state?[0], sequenceIds, _chunk);
        state?[0].copy_(last);
        return GatedHeads(y, parts[3], NormWeight, _eps);
    }
}
