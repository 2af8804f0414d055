using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Based's linear attention (Arora et al. 2024, "Simple linear attention language models balance the recall-throughput tradeoff",
/// arXiv 2402.18668). in_proj gives q, k, v with narrow q and k; the feature map phi(x) = [1, x / r, (x outer x) / (sqrt 2 r^2)], r = d_key^(1/4), makes
/// phi(q) . phi(k) = 1 + s + s^2 / 2 with s = q . k / sqrt(d_key), the second-order Taylor series of softmax attention's exponential, and
/// y_t = S_t^T phi(q_t) / (z_t . phi(q_t)) as in linear attention. Its partner, attention in a short window, is a layer of the layout:
/// <c>based attention</c> with <c>attention.sliding_window</c>.
/// </summary>
public sealed class Based : HeadRecurrence
{
    private readonly int _features;

    /// <summary>Creates one direction: by default a head for 64 channels, keys of width 16.</summary>
    public Based(ModelConfig config) : base(config, Narrow(config))
    {
        _features = 1 + Shape.Key + (Shape.Key * Shape.Key);
    }

    /// <inheritdoc/>
    public override int InputWidth => (2 * Shape.Keys) + Shape.Values;

    /// <inheritdoc/>
    public override MixerWork Work => ScalarDecay.Work(Shape.Count, Shape.Count, _features, Shape.Value + 1, Chunk);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, Shape.Count, _features, Shape.Value + 1]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([Shape.Keys, Shape.Keys, Shape.Values], 2);
        (Tensor y, Tensor last) = Normalized.Run(Taylor(parts[0]), Taylor(parts[1]), Heads(parts[2]), state?[0], sequenceIds, Chunk);
        state?[0].copy_(last);
        return Joined(y);
    }

    private static HeadShape Narrow(ModelConfig config) =>
        HeadShape.Of(config, 0, 1, 1) with { Key = config.Recurrent.DKey > 0 ? config.Recurrent.DKey : 16 };

    private Tensor Taylor(Tensor x)
    {
        Tensor t = Heads(x) * Math.Pow(Shape.Key, -0.25);
        Tensor squares = (t.unsqueeze(-1) * t.unsqueeze(-2)).flatten(-2) * Math.Sqrt(0.5);
        return cat([ones_like(t.narrow(-1, 0, 1)), t, squares], -1);
    }
}
