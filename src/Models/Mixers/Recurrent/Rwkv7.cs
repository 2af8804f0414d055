using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// RWKV-7 time mixing (Peng et al. 2025, "RWKV-7 Goose with Expressive Dynamic State Evolution", arXiv 2503.14456, section 4). Each of six inputs is
/// x_t + (x_(t-1) - x_t) mu_j; r, k, v are projections of three. Of the others come, through low ranks, the decay
/// w = exp(-e^(-1/2) sigmoid(w_0 + tanh(. A_w) B_w)), the in-context learning rate a = sigmoid(a_0 + . A_a B_a) and the gate g = sigmoid(. A_g) B_g. The
/// removal key is kappa = k o xi, of length 1 in each head, the replacement key k' = k o (1 + (a - 1) alpha). For each head, rows being keys,
/// S_t = (diag(w_t) - (a_t o kappa_t)^T kappa_t) S_(t-1) + k'_t^T v_t and y_t = r_t S_t; the output is
/// g o (norm(y) w + b + (r . (rho o k')) v), each head normalised by itself.
/// </summary>
/// <remarks>
/// The paper's deeper layers mix v with the first layer's: a layer here sees its own input alone, so v is that of the first layer everywhere.
/// </remarks>
public sealed class Rwkv7 : HeadRecurrence
{
    private const int Mixtures = 6;
    private static readonly double s_halfPower = Math.Exp(-0.5);

    // Powers of the shares' growth over the channels: of r, w, k, v, a, g.
    private static readonly double[] s_shares = [0.2, 0.9, 0.7, 0.7, 0.9, 0.2];

    private readonly int _width;

    /// <summary>Creates one direction: by default a head for 64 channels, with the paper's initial values of a first layer.</summary>
    public Rwkv7(ModelConfig config) : base(config, HeadShape.Of(config, 0, 1, 1))
    {
        ArgumentNullException.ThrowIfNull(config);
        _width = config.DModel;
        (int keys, int values) = (Shape.Keys, Shape.Values);
        using DisposeScope scope = NewDisposeScope();
        Tensor at = arange(0, _width).to(float32) / _width;
        Mu = Vector("mu", stack([.. s_shares.Select(p => 1 - at.pow(p))]));
        R = register_module("r", new nn.Linear(_width, keys));
        K = register_module("k", new nn.Linear(_width, keys));
        V = register_module("v", new nn.Linear(_width, values));
        (int low, int gate) = (Rank(1.8, 0.5), Rank(0.6, 0.8));
        Decay1 = register_module("decay1", new nn.Linear(_width, low));
        Decay2 = register_module("decay2", new nn.Linear(low, keys, true));
        Rate1 = register_module("rate1", new nn.Linear(_width, low));
        Rate2 = register_module("rate2", new nn.Linear(low, keys, true));
        Gate1 = register_module("gate1", new nn.Linear(_width, gate));
        Gate2 = register_module("gate2", new nn.Linear(gate, values));
        float[] decays = [.. Enumerable.Range(0, keys).Select(i => -6.5f + (5f * MathF.Pow(i / MathF.Max(1, keys - 1), 0.85f)))];
        foreach (nn.Linear second in (nn.Linear[])[Decay2, Rate2])
        {
            nn.init.constant_(second.weight, 0);
            nn.init.constant_(second.bias!, 0);
        }

        using (no_grad())
        {
            Decay2.bias!.copy_(tensor(decays));
        }

        Xi = Vector("xi", full([keys], 0.85));
        Alpha = Vector("alpha", ones([keys]));
        Rho = Vector("rho", zeros([Shape.Count, Shape.Key]));
        NormWeight = Vector("norm_weight", ones([values]));
        NormBias = Vector("norm_bias", zeros([values]));
    }

    /// <summary>Shares of the position before, [6, d_model]: of the inputs of r, w, k, v, a, g.</summary>
    public nn.Parameter Mu { get; }

    /// <summary>Receptance, the queries: [heads n, d_model].</summary>
    public nn.Linear R { get; }

    /// <summary>Keys [heads n, d_model].</summary>
    public nn.Linear K { get; }

    /// <summary>Values [heads p, d_model].</summary>
    public nn.Linear V { get; }

    /// <summary>A_w [rank, d_model].</summary>
    public nn.Linear Decay1 { get; }

    /// <summary>B_w [heads n, rank] and w_0.</summary>
    public nn.Linear Decay2 { get; }

    /// <summary>A_a [rank, d_model].</summary>
    public nn.Linear Rate1 { get; }

    /// <summary>B_a [heads n, rank] and a_0.</summary>
    public nn.Linear Rate2 { get; }

    /// <summary>A_g [rank, d_model].</summary>
    public nn.Linear Gate1 { get; }

    /// <summary>B_g [heads p, rank].</summary>
    public nn.Linear Gate2 { get; }

    /// <summary>Of the removal key: [heads n].</summary>
    public nn.Parameter Xi { get; }

    /// <summary>Of the replacement key: [heads n].</summary>
    public nn.Parameter Alpha { get; }

    /// <summary>The bonus of the position itself [heads, n].</summary>
    public nn.Parameter Rho { get; }

    /// <summary>Of the heads' norms: [heads p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <summary>Of the heads' norms: [heads p].</summary>
    public nn.Parameter NormBias { get; }

    /// <inheritdoc/>
    public override int InputWidth => 0;

    /// <inheritdoc/>
    public override MixerWork Work => DiagonalLowRank.Work(Shape.Count, Shape.Key, Shape.Value, Chunk)
        .Plus(2 * new[] { R, K, V, Decay1, Decay2, Rate1, Rate2, Gate1, Gate2 }.Sum(l => l.weight.numel()));

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, 1, _width], [batch, Shape.Count, Shape.Key, Shape.Value]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        Tensor step = Earlier(x, state?[0], sequenceIds) - x, mu = Cast(Mu, x);
        Tensor[] mixed = [.. Enumerable.Range(0, Mixtures).Select(j => x + (step * mu.select(0, j)))];
        Tensor r = Heads(Linear(mixed[0], R));
        Tensor decay = Linear(Linear(mixed[1], Decay1).tanh(), Decay2).to(wide).sigmoid() * -s_halfPower;
        Tensor key = Linear(mixed[2], K);
        Tensor v = Heads(Linear(mixed[3], V));
        Tensor rate = Linear(Linear(mixed[4], Rate1), Rate2).to(wide).sigmoid();
        Tensor gate = Linear(Linear(mixed[5], Gate1).sigmoid(), Gate2);
        Tensor removal = UnitLength(Heads(key.to(wide) * Xi.to(wide)));
        Tensor k = Heads((key.to(wide) * (((rate - 1) * Alpha.to(wide)) + 1)).to(x.dtype));
        // Decays are at least exp(-e^(-1/2)) = 0.55.
        var inputs = new DiagonalLowRank.Inputs(r, k, v, removal.neg(), removal * Heads(rate), Heads(decay)) { Bounded = true };
        (Tensor y, Tensor last) = DiagonalLowRank.Run(inputs, state?[1], sequenceIds, Chunk);
        state?[1].copy_(last);
        Tensor normed = (Joined(UnitRms(y - y.mean([-1], true), null, NormEps)) * Cast(NormWeight, x)) + Cast(NormBias, x);
        return gate * (normed + Joined((r * Cast(Rho, x) * k).sum([-1], true) * v));
    }

    // The paper's ranks grow with a power of the width, in steps of 32.
    private int Rank(double factor, double power) => Math.Max(32, (int)Math.Round(factor * Math.Pow(_width, power) / 32) * 32);
}
