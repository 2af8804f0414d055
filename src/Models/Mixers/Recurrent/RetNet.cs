using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// RetNet's multi-scale retention (Sun et al. 2023, "Retentive Network", arXiv 2307.08621). in_proj gives q, k, v and a gate z. With q and
/// k turned by rotary angles, head h keeps S_t = gamma_h S_(t-1) + k_t v_t^T, gamma_h = 1 - 2^(-5-h), and reads
/// y_t = S_t^T q_t / sqrt(n); the output is silu(z) norm(y), each head normalised by itself.
/// </summary>
/// <remarks>
/// Only differences of angles matter, so a stretch counts its positions from 0 and a state between two stretches is that of a last position
/// 0: S_t = gamma R S_(t-1) + k_t v_t^T with R the turn of one position back. It needs no count of positions, however many there are.
/// </remarks>
public sealed class RetNet : HeadRecurrence
{
    private const double Theta = 10000;

    private readonly Tensor _logDecay;
    private readonly Tensor _turn;

    /// <summary>Creates one direction: by default a head for 64 channels, values twice as wide as keys.</summary>
    public RetNet(ModelConfig config) : base(config, HeadShape.Of(config, 0, 1, 2, even: true))
    {
        double[] decays = [.. Enumerable.Range(0, Shape.Count).Select(h => Math.Log(1 - Math.Pow(2, -5 - h)))];
        _logDecay = register_buffer("log_decay", tensor(decays), persistent: false);
        using DisposeScope scope = NewDisposeScope();
        _turn = register_buffer("turn", RotaryAngles.Compute(1, 1, Shape.Key, Theta, 1, CPU).squeeze(0), persistent: false);
    }

    /// <inheritdoc/>
    public override int InputWidth => 2 * (Shape.Keys + Shape.Values);

    /// <inheritdoc/>
    public override MixerWork Work => ScalarDecay.Work(Shape.Count, Shape.Count, Shape.Key, Shape.Value, Chunk);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        (long batch, long length) = (x.size(0), x.size(1));
        Tensor[] parts = x.split([Shape.Keys, Shape.Keys, Shape.Values, Shape.Values], 2);
        Tensor q = Queries(parts[0]);
        Tensor k = Heads(parts[1]);
        if (length > 1)
        {
            (Tensor cos, Tensor sin) = Angles(length, x);
            (q, k) = (PlaneTurns.Run(q, cos, sin), PlaneTurns.Run(k, cos, sin));
        }

        Tensor decay = _logDecay.to(StateType(x)).expand(batch, length, Shape.Count);
        Tensor? before = state is null ? null : TurnedBack(state[0], 1);
        (Tensor y, Tensor last) = ScalarDecay.Run(q, k, Heads(parts[2]), decay, before, sequenceIds, Chunk);
        state?[0].copy_(length == 1 ? last : TurnedBack(last, length - 1));
        return GatedHeads(y, parts[3], null, NormEps);
    }

    // The rows of a state [batch, heads, n, p], so many positions back.
    private Tensor TurnedBack(Tensor state, long positions)
    {
        Tensor angles = _turn * -positions;
        return PlaneTurns.Run(state.transpose(-1, -2), angles.cos().to(state.dtype), angles.sin().to(state.dtype)).transpose(-1, -2);
    }

    // [length, 1, n / 2] each.
    private (Tensor Cos, Tensor Sin) Angles(long length, Tensor x)
    {
        if (x.dtype != float64)
        {
            (Tensor cos, Tensor sin) = RotaryAngles.Get(length, Shape.Key, Theta, 1, x.device);
            return (cos.unsqueeze(1).to(x.dtype), sin.unsqueeze(1).to(x.dtype));
        }

        Tensor angles = RotaryAngles.Compute(0, length, Shape.Key, Theta, 1, x.device).unsqueeze(1);
        return (angles.cos(), angles.sin());
    }
}
