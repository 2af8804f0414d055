using GenoSeq.Models.Mixers.Engines;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// HGRN2 (Qin et al. 2024, "HGRN2: Gated Linear RNNs with State Expansion", arXiv 2404.07904). in_proj gives q, the forget gate's logits and
/// v; with f = sigmoid(logit) the key is what the gate lets go: S_t = diag(f_t) S_(t-1) + (1 - f_t) v_t^T, y_t = S_t^T silu(q_t); the output is
/// norm(y) w over all heads. The paper's lower bound of f, which grows from layer to layer, is 0 here, as in its first layer.
/// </summary>
public sealed class Hgrn2 : HeadRecurrence
{
    /// <summary>Creates one direction: by default a head for 64 channels.</summary>
    public Hgrn2(ModelConfig config) : base(config, HeadShape.Of(config, 0, 1, 1))
    {
        NormWeight = Vector("norm_weight", ones([Shape.Values]));
    }

    /// <summary>Of the output's norm: [heads p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => (2 * Shape.Keys) + Shape.Values;

    /// <inheritdoc/>
    public override MixerWork Work => VectorDecay.Work(Shape.Count, Shape.Key, Shape.Value, Chunk);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([Shape.Keys, Shape.Keys, Shape.Values], 2);
        Tensor logit = Heads(parts[1]).to(StateType(x));
        // 1 - sigmoid(x) = sigmoid(-x), without what the difference would lose.
        Tensor k = logit.neg().sigmoid().to(x.dtype);
        (Tensor y, Tensor last) = VectorDecay.Run(nn.functional.silu(Heads(parts[0])), k, Heads(parts[2]),
            LogSigmoid(logit), state?[0], sequenceIds, Chunk);
        state?[0].copy_(last);
        return UnitRms(Joined(y), NormWeight, NormEps);
    }
}
