using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// xLSTM's matrix memory (Beck et al. 2024, "xLSTM", arXiv 2405.04517) in the form of xLSTM-7B (Beck et al. 2025, arXiv 2503.13427). in_proj
/// gives q, k, v, an output gate o, and for each head an input and a forget logit, both soft-capped: c(x) = 15 tanh(x / 15).
/// C_t = f_t C_(t-1) + i_t k_t v_t^T, n_t = f_t n_(t-1) + i_t k_t with i = exp c(.) and f = sigmoid c(.),
/// y_t = C_t^T q_t / max(|n_t . q_t|, 1), q divided by sqrt(n); the output is sigmoid(o) norm(y) w.
/// </summary>
/// <remarks>
/// The paper's stabiliser m_t divides C, n and the 1 by the same exp(m_t), so it changes no number; with the cap no gate is larger than
/// e^15, and single precision's range holds sums of a million of them without it. n is kept as one more column of C.
/// </remarks>
public sealed class MLstm : HeadRecurrence
{
    private const double Cap = 15;

    /// <summary>Creates one direction: by default a head for 64 channels, keys half as wide as the model.</summary>
    public MLstm(ModelConfig config) : base(config, HeadShape.Of(config, 0, 0.5, 1))
    {
        float[] forget = [.. Enumerable.Range(0, Shape.Count).Select(h => 3 + (3f * h / Math.Max(1, Shape.Count - 1)))];
        InputBias = Vector("input_bias", full([Shape.Count], -10));
        ForgetBias = Vector("forget_bias", tensor(forget));
        NormWeight = Vector("norm_weight", ones([Shape.Value]));
    }

    /// <summary>[heads].</summary>
    public nn.Parameter InputBias { get; }

    /// <summary>[heads]: from 3 to 6.</summary>
    public nn.Parameter ForgetBias { get; }

    /// <summary>Of each head's norm: [p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => (2 * (Shape.Keys + Shape.Values)) + (2 * Shape.Count);

    /// <inheritdoc/>
    public override MixerWork Work => ScalarDecay.Work(Shape.Count, Shape.Count, Shape.Key, Shape.Value + 1, Chunk);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, Shape.Count, Shape.Key, Shape.Value + 1]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        Tensor[] parts = x.split([Shape.Keys, Shape.Keys, Shape.Values, Shape.Values, Shape.Count, Shape.Count], 2);
        Tensor q = Queries(parts[0]);
        Tensor v = Heads(parts[2]);
        Tensor i = Capped(parts[4].to(wide) + InputBias.to(wide)).exp().to(x.dtype).unsqueeze(-1);
        Tensor f = LogSigmoid(Capped(parts[5].to(wide) + ForgetBias.to(wide)));
        (Tensor y, Tensor last) = ScalarDecay.Run(q, Heads(parts[1]), cat([v * i, i], -1), f, state?[0], sequenceIds, Chunk);
        state?[0].copy_(last);
        y = y.narrow(-1, 0, Shape.Value) / y.narrow(-1, Shape.Value, 1).abs().clamp(min: 1);
        return GatedHeads(y, parts[3], NormWeight, NormEps, silu: false);
    }

    private static Tensor Capped(Tensor x) => (x * (1 / Cap)).tanh() * Cap;
}
