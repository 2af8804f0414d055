using GenoSeq.Models.Mixers.Engines;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// DeltaNet (Yang et al. 2024, "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", arXiv 2406.06484). in_proj gives
/// q, k, v and a logit for each head; q, k and v pass a short convolution with SiLU, q and k are brought to length 1. With
/// beta = sigmoid(logit), S_t = (1 - beta_t k_t k_t^T) S_(t-1) + beta_t k_t v_t^T and y_t = S_t^T q_t / sqrt(n); the output is norm(y) w.
/// </summary>
public sealed class DeltaNet : ConvolvedRecurrence
{
    /// <summary>Creates one direction: by default a head for 64 channels.</summary>
    public DeltaNet(ModelConfig config) : base(config, HeadShape.Of(config, 0, 1, 1))
    {
    }

    /// <inheritdoc/>
    public override int InputWidth => Convolved + Shape.Count;

    /// <inheritdoc/>
    public override MixerWork Work => DeltaRule.Work(Shape.Count, Shape.Key, Shape.Value, Chunk).Plus(ShortConv.Flops(Conv1d));

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([Convolved, Shape.Count], 2);
        (Tensor q, Tensor k, Tensor v) = Convolve(parts[0], state?[0], sequenceIds);
        Tensor beta = parts[1].to(StateType(x)).sigmoid();
        (Tensor y, Tensor last) = DeltaRule.Run(q, k, v, zeros_like(beta), beta, state?[1], sequenceIds, Chunk);
        state?[1].copy_(last);
        return Joined(UnitRms(y, NormWeight, NormEps));
    }
}
