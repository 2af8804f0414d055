using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Gated linear attention with one gate a head (Yang et al. 2024, "Gated Linear Attention Transformers", arXiv 2312.06635, with a
/// scalar in place of the vector; also Gated RetNet). in_proj gives q, k, v, a gate z and a decay logit for each head:
/// S_t = exp(g_t) S_(t-1) + k_t v_t^T, g = log sigmoid(logit) / 16, y_t = S_t^T q_t / sqrt(n); the output is silu(z) norm(y) w.
/// </summary>
public sealed class SimpleGla : HeadRecurrence
{
    // Decays start near 1: the logits' sigmoid is taken to this power's inverse.
    private const double Normalizer = 16;

    /// <summary>Creates one direction: by default a head for 64 channels, keys half as wide as the model.</summary>
    public SimpleGla(ModelConfig config) : base(config, HeadShape.Of(config, 0, 0.5, 1))
    {
        DecayBias = Vector("decay_bias", zeros([Shape.Count]));
        NormWeight = Vector("norm_weight", ones([Shape.Value]));
    }

    /// <summary>[heads].</summary>
    public nn.Parameter DecayBias { get; }

    /// <summary>Of each head's norm: [p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => (2 * (Shape.Keys + Shape.Values)) + Shape.Count;

    /// <inheritdoc/>
    public override MixerWork Work => ScalarDecay.Work(Shape.Count, Shape.Count, Shape.Key, Shape.Value, Chunk);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        Tensor[] parts = x.split([Shape.Keys, Shape.Keys, Shape.Values, Shape.Values, Shape.Count], 2);
        Tensor q = Queries(parts[0]);
        Tensor g = LogSigmoid(parts[4].to(wide) + DecayBias.to(wide)) * (1 / Normalizer);
        (Tensor y, Tensor last) = ScalarDecay.Run(q, Heads(parts[1]), Heads(parts[2]), g, state?[0], sequenceIds, Chunk);
        state?[0].copy_(last);
        return GatedHeads(y, parts[3], NormWeight, NormEps);
    }
}
