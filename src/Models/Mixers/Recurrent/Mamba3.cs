using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Mamba-3 ("Mamba-3", arXiv 2603.15569), in the form of its published code: no short convolution, no A_log. in_proj gives z, x, B, C and, for each head,
/// logits of dt, of A and of the trapezoid's lambda, then angles. B and C are normalised over the n states and get a bias for each head. dt = softplus(.
/// + dt_bias), A = -f(.) with f(v) = 1 + v above 0 and 1 / (1 - v) below, alpha = exp(dt A), lambda = sigmoid(.). B and C are turned in n / 4 planes by
/// theta_t = theta_(t-1) + dt_t pi tanh(angle_t), which is a state of complex numbers, and the trapezoidal rule is
/// S_t = alpha_t S_(t-1) + (1 - lambda_t) dt_t alpha_t B_(t-1) x_(t-1)^T + lambda_t dt_t B_t x_t^T; y_t = S_t^T C_t + D x_t, the output silu(z) y.
/// </summary>
/// <remarks>
/// <c>rank</c> above 1 is MIMO: a position has so many B and C, values x o mimo_x_r, gates z o mimo_z_r, and outputs summed with mimo_o_r. The
/// engine is <see cref="Trapezoid"/>.
/// </remarks>
public sealed class Mamba3 : HeadRecurrence
{
    private readonly int _groups;
    private readonly int _rank;
    private readonly int _planes;

    /// <summary>Creates one direction: by default heads of width 64 with 128 states each, twice as many channels as the model has.</summary>
    public Mamba3(ModelConfig config) : base(config, Mamba2.Shape(config))
    {
        ArgumentNullException.ThrowIfNull(config);
        RecurrentConfig r = config.Recurrent;
        (_groups, _rank, _planes) = (r.NGroups, r.Rank, Math.Max(1, Shape.Key / 4));
        (int h, int n) = (Shape.Count, Shape.Key);
        DtBias = Vector("dt_bias", StepSizes.Initial([h], r));
        BNorm = Vector("B_norm", ones([n]));
        CNorm = Vector("C_norm", ones([n]));
        BBias = Vector("B_bias", ones([h, _rank, n]));
        CBias = Vector("C_bias", ones([h, _rank, n]));
        D = Vector("D", ones([h]));
        if (_rank > 1)
        {
            MimoX = register_parameter("mimo_x", new nn.Parameter(full([h, _rank, Shape.Value], 1.0 / _rank)));
            MimoZ = register_parameter("mimo_z", new nn.Parameter(ones([h, _rank, Shape.Value])));
            MimoO = register_parameter("mimo_o", new nn.Parameter(full([h, _rank, Shape.Value], 1.0 / _rank)));
        }
    }

    /// <summary>[heads].</summary>
    public nn.Parameter DtBias { get; }

    /// <summary>[n].</summary>
    public nn.Parameter BNorm { get; }

    /// <summary>[n].</summary>
    public nn.Parameter CNorm { get; }

    /// <summary>[heads, rank, n].</summary>
    public nn.Parameter BBias { get; }

    /// <summary>[heads, rank, n].</summary>
    public nn.Parameter CBias { get; }

    /// <summary>The skip [heads].</summary>
    public nn.Parameter D { get; }

    /// <summary>Values of each rank [heads, rank, p]; null of rank 1.</summary>
    public nn.Parameter? MimoX { get; }

    /// <summary>Gates of each rank [heads, rank, p]; null of rank 1.</summary>
    public nn.Parameter? MimoZ { get; }

    /// <summary>Outputs of each rank [heads, rank, p]; null of rank 1.</summary>
    public nn.Parameter? MimoO { get; }

    /// <inheritdoc/>
    public override int InputWidth => (2 * (Shape.Values + Shared)) + (3 * Shape.Count) + _planes;

    /// <inheritdoc/>
    public override MixerWork Work => Trapezoid.Work(Shape.Count, _rank, Shape.Key, Shape.Value, Chunk);

    private int Shared => _groups * _rank * Shape.Key;

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, Shape.Count, Shape.Key + _rank, Shape.Value + _rank]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        (long batch, long length, long heads) = (x.size(0), x.size(1), Shape.Count);
        Tensor[] parts = x.split([Shape.Values, Shape.Values, Shared, Shared, heads, heads, heads, _planes], 2);
        Tensor b = UnitRms(parts[2].reshape(batch, length, _groups, _rank, -1), BNorm, NormEps);
        Tensor c = UnitRms(parts[3].reshape(batch, length, _groups, _rank, -1), CNorm, NormEps);
        Tensor dt = nn.functional.softplus(parts[4].to(wide) + DtBias.to(wide));
        Tensor a = parts[5].to(wide);
        Tensor rate = (nn.functional.relu(a) + (1 + nn.functional.relu(a.neg())).pow(-1)).clamp(min: 1e-4);
        Tensor own = parts[6].to(wide).sigmoid() * dt;
        Tensor rho = dt - own;
        if (sequenceIds is not null)
        {
            rho = rho * DiagonalScan.Continues(cat([sequenceIds.narrow(1, 0, 1), sequenceIds], 1), wide);
        }

        Tensor angle = parts[7].to(wide).tanh() * Math.PI;
        (Tensor y, Tensor last) = Trapezoid.Run(new Trapezoid.Inputs(c, b, Heads(parts[1]), (dt * rate).neg(), own, rho, dt, angle),
            new Trapezoid.Constants(CBias.to(wide), BBias.to(wide), MimoX?.to(wide), D.to(wide)), state?[0], sequenceIds, Chunk);
        state?[0].copy_(last);
        Tensor z = Heads(parts[0]);
        if (MimoZ is null)
        {
            return Joined(y.squeeze(3) * nn.functional.silu(z));
        }

        return Joined((y * nn.functional.silu(z.unsqueeze(3) * Cast(MimoZ, z)) * Cast(MimoO!, z)).sum([3]));
    }

    internal static IEnumerable<string> Problems(ModelConfig config)
    {
        if (Mamba2.Shape(config).Key < 2)
        {
            yield return "d_key must be at least 2 in mamba3, whose states are turned in planes";
        }

        foreach (string problem in Mamba2.Problems(config))
        {
            yield return problem.Replace("mamba2", "mamba3", StringComparison.Ordinal);
        }
    }
}
