using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// RetNet's multi-scale retention (Sun et al. 2023, "Retentive Network", arXiv 2307.08621). in_proj gives q, k, v and a gate z. With q and
/// k turned by rotary angles, head h keeps S_t = gamma_h S_(t-1) + k_t v_t^T, gamma_h = 1 - 2^(-5-h), and reads
/// y_t = S_t^T q_t / sqrt(n); the output is silu(z) norm(y), each head normalised by itself.
/// </summary>
public sealed class RetNet : Recurrence
{
    private const double Theta = 10000;

    private readonly HeadShape _heads;
    private readonly double _eps;
    private readonly int _chunk;
    private readonly Tensor _logDecay;

    /// <summary>Creates one direction: by default a head for 64 channels, values twice as wide as keys.</summary>
    public RetNet(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _heads = HeadShape.Of(config, 0, 1, 2, even: true);
        (_eps, _chunk) = (config.NormEps, config.Recurrent.Chunk);
        double[] decays = [.. Enumerable.Range(0, _heads.Count).Select(h => Math.Log(1 - Math.Pow(2, -5 - h)))];
        _logDecay = register_buffer("log_decay", tensor(decays), persistent: false);
    }

    /// <inheritdoc/>
    public override int InputWidth => 2 * (_heads.Keys + _heads.Values);

    /// <inheritdoc/>
    public override int OutputWidth => _heads.Values;

    /// <inheritdoc/>
    public override double Flops => ScalarDecay.Flops(_heads.Count, _heads.Count, _heads.Key, _heads.Value, _chunk);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, _heads.Count, _heads.Key, _heads.Value]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        (long batch, long length) = (x.size(0), x.size(1));
        Tensor[] parts = x.split([_heads.Keys, _heads.Keys, _heads.Values, _heads.Values], 2);
        (Tensor Cos, Tensor Sin) angles = Angles(state?.Position ?? 0, length, x);
        Tensor q = Turn(Heads(parts[0], _heads.Count), angles) * Math.Pow(_heads.Key, -0.5);
        Tensor k = Turn(Heads(parts[1], _heads.Count), angles);
        Tensor decay = _logDecay.to(StateType(x)).expand(batch, length, _heads.Count);
        (Tensor y, Tensor last) = ScalarDecay.Run(q, k, Heads(parts[2], _heads.Count), decay, state?[0], sequenceIds, _chunk);
        if (state is not null)
        {
            state[0].copy_(last);
            state.Position += length;
        }

        return GatedHeads(y, parts[3], null, _eps);
    }

    // [length, 1, n / 2] each.
    private (Tensor Cos, Tensor Sin) Angles(long first, long length, Tensor x)
    {
        if (first == 0 && x.dtype != float64)
        {
            (Tensor cos, Tensor sin) = RotaryAngles.Get(length, _heads.Key, Theta, 1, x.device);
            return (cos.unsqueeze(1).to(x.dtype), sin.unsqueeze(1).to(x.dtype));
        }

        Tensor angles = RotaryAngles.Compute(first, length, _heads.Key, Theta, 1, x.device).unsqueeze(1);
        return (angles.cos().to(x.dtype), angles.sin().to(x.dtype));
    }

    private static Tensor Turn(Tensor t, (Tensor Cos, Tensor Sin) angles)
    {
        Tensor[] h = t.chunk(2, -1);
        return cat([(h[0] * angles.Cos) - (h[1] * angles.Sin), (h[0] * angles.Sin) + (h[1] * angles.Cos)], -1);
    }
}
