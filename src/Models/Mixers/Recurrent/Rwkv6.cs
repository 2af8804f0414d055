using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// RWKV-6 time mixing (Peng et al. 2024, "Eagle and Finch", arXiv 2404.05892). Each of five inputs is a mixture of x_t and x_(t-1),
/// x_t + (x_(t-1) - x_t) (mu_j + tanh(m W_1j) W_2j) with m = x_t + (x_(t-1) - x_t) mu; four of them are projected to r, k, v and a gate g, the
/// fifth gives decays w_t = exp(-exp(w_0 + tanh(. A) B)). For each head S_t = diag(w_t) S_(t-1) + k_t v_t^T and
/// y_t = (S_(t-1) + diag(u) k_t v_t^T)^T r_t; the output is silu(g) norm(y) w + b, each head normalised by itself.
/// </summary>
/// <remarks>The mixtures come before the projections, so there is no in_proj, and two directions share none.</remarks>
public sealed class Rwkv6 : HeadRecurrence
{
    private const int Mixtures = 5, MixRank = 32, DecayRank = 64;

    private readonly int _width;

    /// <summary>Creates one direction: by default a head for 64 channels.</summary>
    public Rwkv6(ModelConfig config) : base(config, HeadShape.Of(config, 0, 1, 1))
    {
        ArgumentNullException.ThrowIfNull(config);
        _width = config.DModel;
        Mu = Vector("mu", full([1 + Mixtures, _width], 0.5));
        Mix1 = register_module("mix1", new nn.Linear(_width, Mixtures * MixRank));
        Mix2 = register_parameter("mix2", new nn.Parameter(zeros([Mixtures, MixRank, _width])));
        R = register_module("r", new nn.Linear(_width, Shape.Keys));
        K = register_module("k", new nn.Linear(_width, Shape.Keys));
        V = register_module("v", new nn.Linear(_width, Shape.Values));
        G = register_module("g", new nn.Linear(_width, Shape.Values));
        Decay1 = register_module("decay1", new nn.Linear(_width, DecayRank));
        Decay2 = register_module("decay2", new nn.Linear(DecayRank, Shape.Keys, true));
        nn.init.constant_(Decay2.weight, 0);
        // Decays from exp(-e^-6) to exp(-e^-1), over the channels.
        float[] decays = [.. Enumerable.Range(0, Shape.Keys).Select(i => -6 + (5f * MathF.Pow(i / MathF.Max(1, Shape.Keys - 1), 0.7f)))];
        using (DisposeScope scope = NewDisposeScope())
        {
            using IDisposable mode = no_grad();
            Decay2.bias!.copy_(tensor(decays));
        }

        U = Vector("u", full([Shape.Count, Shape.Key], 0.5));
        NormWeight = Vector("norm_weight", ones([Shape.Values]));
        NormBias = Vector("norm_bias", zeros([Shape.Values]));
    }

    /// <summary>Shares of the position before, [6, d_model]: of m, then of the inputs of w, k, v, r, g.</summary>
    public nn.Parameter Mu { get; }

    /// <summary>W_1 [5 * 32, d_model].</summary>
    public nn.Linear Mix1 { get; }

    /// <summary>W_2 [5, 32, d_model].</summary>
    public nn.Parameter Mix2 { get; }

    /// <summary>Receptance, the queries: [heads n, d_model].</summary>
    public nn.Linear R { get; }

    /// <summary>Keys [heads n, d_model].</summary>
    public nn.Linear K { get; }

    /// <summary>Values [heads p, d_model].</summary>
    public nn.Linear V { get; }

    /// <summary>Gate [heads p, d_model].</summary>
    public nn.Linear G { get; }

    /// <summary>A [64, d_model].</summary>
    public nn.Linear Decay1 { get; }

    /// <summary>B [heads n, 64] and w_0 [heads n].</summary>
    public nn.Linear Decay2 { get; }

    /// <summary>The bonus of the position itself [heads, n].</summary>
    public nn.Parameter U { get; }

    /// <summary>Of the heads' norms: [heads p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <summary>Of the heads' norms: [heads p].</summary>
    public nn.Parameter NormBias { get; }

    /// <inheritdoc/>
    public override int InputWidth => 0;

    /// <inheritdoc/>
    public override MixerWork Work => VectorDecay.Work(Shape.Count, Shape.Key, Shape.Value, Chunk)
        .Plus(2 * (Mix2.numel() + new[] { Mix1, R, K, V, G, Decay1, Decay2 }.Sum(l => l.weight.numel())));

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, 1, _width], [batch, Shape.Count, Shape.Key, Shape.Value]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] mixed = Mix(x, state?[0], sequenceIds);
        Tensor w = Linear(Linear(mixed[0], Decay1).tanh(), Decay2).to(StateType(x)).exp().neg();
        Tensor k = Heads(Linear(mixed[1], K));
        Tensor v = Heads(Linear(mixed[2], V));
        Tensor r = Heads(Linear(mixed[3], R));
        (Tensor y, Tensor last) = VectorDecay.Run(r, k, v, Heads(w), state?[1], sequenceIds, Chunk, before: true);
        state?[1].copy_(last);
        y = y + ((r * Cast(U, r) * k).sum([-1], true) * v);
        Tensor centred = y - y.mean([-1], true);
        Tensor normed = (Joined(UnitRms(centred, null, NormEps)) * Cast(NormWeight, x)) + Cast(NormBias, x);
        return normed * nn.functional.silu(Linear(mixed[4], G));
    }

    // The five inputs [batch, length, d_model]; the state [batch, 1, d_model] is the last x.
    private Tensor[] Mix(Tensor x, Tensor? state, Tensor? ids)
    {
        (long batch, long length) = (x.size(0), x.size(1));
        Tensor step = Earlier(x, state, ids) - x;
        Tensor mu = Cast(Mu, x);
        Tensor low = Linear(x + (step * mu.select(0, 0)), Mix1).tanh().reshape(batch * length, Mixtures, MixRank).transpose(0, 1);
        Tensor shares = low.matmul(Cast(Mix2, x)).reshape(Mixtures, batch, length, _width);
        return [.. Enumerable.Range(0, Mixtures).Select(j => x + (step * (mu.select(0, j + 1) + shares.select(0, j))))];
    }
}
