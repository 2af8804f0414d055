using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Titans' neural memory with a linear memory (Behrouz et al. 2024, "Titans: Learning to Memorize at Test Time", arXiv 2501.00663, equations 11 to
/// 14), exact at every position. in_proj gives q, k, v, a gate z, and for each head the logits of forgetting, momentum and rate; q, k and v pass a
/// short convolution with SiLU, q and k are brought to length 1. With alpha, eta and theta their sigmoids,
/// S_t = eta_t S_(t-1) + theta_t k_t (v_t - M_(t-1)^T k_t)^T, M_t = (1 - alpha_t) M_(t-1) + S_t and y_t = M_t^T q_t / sqrt(n); the output is
/// silu(z) norm(y) w.
/// </summary>
public sealed class Titans : ConvolvedRecurrence
{
    /// <summary>Creates one direction: by default a head for 64 channels.</summary>
    public Titans(ModelConfig config) : base(config, HeadShape.Of(config, 0, 1, 1)) =>
        GateBias = Vector("gate_bias", InitialGates(Shape.Count, 0));

    /// <summary>Of forgetting, momentum and rate: [3, heads].</summary>
    public nn.Parameter GateBias { get; }

    /// <inheritdoc/>
    public override int InputWidth => Convolved + Shape.Values + (3 * Shape.Count);

    /// <inheritdoc/>
    public override MixerWork Work => MomentumDelta.Work(Shape.Count, Shape.Key, Shape.Value, Chunk).Plus(ShortConv.Flops(Conv1d));

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, Halo(batch), [batch, Shape.Count, 2L * Shape.Key, Shape.Value]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([Convolved, Shape.Values, 3L * Shape.Count], 2);
        (Tensor q, Tensor k, Tensor v) = Convolve(parts[0], state?[0], sequenceIds);
        (Tensor keep, Tensor momentum, Tensor rate) = Gates(parts[2], GateBias);
        (Tensor y, Tensor last) = MomentumDelta.Run(new MomentumDelta.Inputs(q, k, v, keep, momentum, rate), state?[1], sequenceIds, Chunk);
        state?[1].copy_(last);
        return GatedHeads(y, parts[1], NormWeight, NormEps);
    }

    /// <summary>Little is forgotten at first (2 % a position), half of a step goes on, and the rate is sigmoid(rate).</summary>
    internal static Tensor InitialGates(int heads, double rate)
    {
        using DisposeScope scope = NewDisposeScope();
        return stack([full([heads], -4), zeros([heads]), full([heads], rate)]).MoveToOuterDisposeScope();
    }

    /// <summary>log(1 - alpha), log eta and theta, [batch, length, heads] each, of logits [batch, length, 3 heads].</summary>
    internal static (Tensor LogKeep, Tensor LogMomentum, Tensor Rate) Gates(Tensor logits, Tensor bias)
    {
        Tensor[] l = (logits.to(StateType(logits)) + bias.to(StateType(logits)).flatten()).chunk(3, 2);
        return (LogSigmoid(l[0].neg()), LogSigmoid(l[1]), l[2].sigmoid());
    }
}
