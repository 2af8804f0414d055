using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers.Engines;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Gated linear attention (Yang et al. 2024, "Gated Linear Attention Transformers", arXiv 2312.06635). in_proj gives q, k, v, a gate z and
/// 16 numbers r, of which a second projection makes a logit for each channel of the keys: S_t = diag(exp g_t) S_(t-1) + k_t v_t^T with
/// g = log sigmoid(W r + b) / 16, y_t = S_t^T q_t / sqrt(n); the output is silu(z) norm(y) w.
/// </summary>
public sealed class Gla : HeadRecurrence
{
    private const int Rank = 16;
    private const double Normalizer = 16;

    /// <summary>Creates one direction: by default four heads, keys half as wide as the model.</summary>
    public Gla(ModelConfig config) : base(config, HeadShape.Of(config, 4, 0.5, 1))
    {
        Decay = register_module("decay", new nn.Linear(Rank, Shape.Keys, true));
        NormWeight = Vector("norm_weight", ones([Shape.Value]));
    }

    /// <summary>From r to the logits of the decays: [heads n, 16] and [heads n].</summary>
    public nn.Linear Decay { get; }

    /// <summary>Of each head's norm: [p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => (2 * (Shape.Keys + Shape.Values)) + Rank;

    /// <inheritdoc/>
    public override MixerWork Work => VectorDecay.Work(Shape.Count, Shape.Key, Shape.Value, Chunk).Plus(2 * Decay.weight.numel());

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([Shape.Keys, Shape.Keys, Shape.Values, Shape.Values, Rank], 2);
        Tensor q = Queries(parts[0]);
        Tensor g = LogSigmoid(Gemm.Linear(parts[4], Cast(Decay.weight, x), Cast(Decay.bias!, x), x.dtype).to(StateType(x))) * (1 / Normalizer);
        (Tensor y, Tensor last) = VectorDecay.Run(q, Heads(parts[1]), Heads(parts[2]), Heads(g),
            state?[0], sequenceIds, Chunk);
        state?[0].copy_(last);
        return GatedHeads(y, parts[3], NormWeight, NormEps);
    }
}
