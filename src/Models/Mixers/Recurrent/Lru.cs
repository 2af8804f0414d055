using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// The linear recurrent unit (Orvieto et al. 2023, "Resurrecting Recurrent Neural Networks for Long Sequences", arXiv 2303.06349). in_proj gives u;
/// with lambda = exp(-exp(nu) + i exp(theta)) for each of N complex states, h_t = lambda h_(t-1) + gamma B u_t,
/// y_t = Re(C h_t) + D u_t; the output is gelu(y).
/// </summary>
public sealed class Lru : ChannelRecurrence
{
    private const double MinRadius = 0.9, MaxRadius = 0.999;

    private readonly int _states;

    /// <summary>Creates one direction: by default as many channels, and as many complex states, as the model has channels.</summary>
    public Lru(ModelConfig config) : base(config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _states = config.Recurrent.DKey > 0 ? config.Recurrent.DKey : Width;
        using DisposeScope scope = NewDisposeScope();
        // Uniform in the ring between the radii, angles up to a tenth of a half turn.
        Tensor square = rand([_states]).to(float64).mul((MaxRadius * MaxRadius) - (MinRadius * MinRadius)).add(MinRadius * MinRadius);
        NuLog = Vector("nu_log", square.log().mul(-0.5).log().to(float32));
        ThetaLog = Vector("theta_log", rand([_states]).clamp(min: 1e-3).mul(Math.PI / 10).log());
        GammaLog = Vector("gamma_log", (1 - square).sqrt().log().to(float32));
        B = register_module("b", new nn.Linear(Width, 2L * _states));
        C = register_module("c", new nn.Linear(2L * _states, Width));
        D = Vector("D", randn([Width]));
    }

    /// <summary>nu [N].</summary>
    public nn.Parameter NuLog { get; }

    /// <summary>theta [N].</summary>
    public nn.Parameter ThetaLog { get; }

    /// <summary>log gamma [N].</summary>
    public nn.Parameter GammaLog { get; }

    /// <summary>Real parts, then imaginary parts: [2N, channels].</summary>
    public nn.Linear B { get; }

    /// <summary>Real parts, then negated imaginary parts: [channels, 2N].</summary>
    public nn.Linear C { get; }

    /// <summary>The skip [channels].</summary>
    public nn.Parameter D { get; }

    /// <inheritdoc/>
    public override int InputWidth => Width;

    /// <inheritdoc/>
    public override MixerWork Work => MixerWork.Constant(2 * (B.weight.numel() + C.weight.numel())).Plus(RotatingScan.Flops * _states);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) => new(type, device, [batch, 2 * _states]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        Tensor gamma = GammaLog.to(wide).exp();
        Tensor input = Gemm.Linear(x, Cast(B.weight, x), null, x.dtype).to(wide) * cat([gamma, gamma]);
        (Tensor h, Tensor last) = RotatingScan.Run(NuLog.to(wide).exp().neg(), ThetaLog.to(wide).exp(), input, state?[0], sequenceIds);
        state?[0].copy_(last);
        return nn.functional.gelu(Gemm.Linear(h.to(x.dtype), Cast(C.weight, x), null, x.dtype) + (x * Cast(D, x)));
    }
}
