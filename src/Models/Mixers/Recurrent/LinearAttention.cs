using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Linear attention (Katharopoulos et al. 2020, "Transformers are RNNs", arXiv 2006.16236). in_proj gives q, k, v; with
/// phi(x) = elu(x) + 1, S_t = S_(t-1) + phi(k_t) v_t^T, z_t = z_(t-1) + phi(k_t), and y_t = S_t^T phi(q_t) / (z_t . phi(q_t)). z is kept as
/// one more column of S, that of values which are 1.
/// </summary>
public sealed class LinearAttention : HeadRecurrence
{
    /// <summary>Creates one direction: by default a head for 64 channels.</summary>
    public LinearAttention(ModelConfig config) : base(config, HeadShape.Of(config, 0, 1, 1))
    {
    }

    /// <inheritdoc/>
    public override int InputWidth => (2 * Shape.Keys) + Shape.Values;

    /// <inheritdoc/>
    public override MixerWork Work => ScalarDecay.Work(Shape.Count, Shape.Count, Shape.Key, Shape.Value + 1, Chunk);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, Shape.Count, Shape.Key, Shape.Value + 1]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([Shape.Keys, Shape.Keys, Shape.Values], 2);
        (Tensor y, Tensor last) = Normalized.Run(Positive(Heads(parts[0])), Positive(Heads(parts[1])),
            Heads(parts[2]), state?[0], sequenceIds, Chunk);
        state?[0].copy_(last);
        return Joined(y);
    }

    // elu(x) + 1: x + 1 above 0, exp(x) below.
    private static Tensor Positive(Tensor x) => nn.functional.relu(x) + x.clamp(max: 0).exp();
}
