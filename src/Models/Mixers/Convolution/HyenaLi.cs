using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Convolution;

/// <summary>
/// Hyena-LI of StripedHyena 2 (Ku et al. 2025, arXiv 2503.01868; Evo 2): long implicit filters in modal form. The output is
/// g ((h * (a v)) + D (a v)) with h_t = sum_n R_n p_n^t over 16 real poles p_n = exp(-exp(rate_n)) for each channel. Whole sequences run
/// by FFT; decoding carries sum_(j &lt;= t) p_n^(t-j) z_j, a number for each pole.
/// </summary>
public sealed class HyenaLi : GatedConvolution
{
    /// <summary>Creates one direction: poles that look back 1 to 10,000 positions, evenly by their logarithm.</summary>
    public HyenaLi(ModelConfig config) : base(config, shortBias: false)
    {
        ArgumentNullException.ThrowIfNull(config);
        using DisposeScope scope = NewDisposeScope();
        int poles = Settings.Poles;
        Tensor rates = arange(0, poles).to(float32).mul(-Math.Log(10000) / Math.Max(1, poles - 1));
        Rate = Vector("rate", rates.expand(Width, poles).contiguous());
        R = Vector("R", randn([Width, poles]).div(Math.Sqrt(poles)) * rates.mul(0.5).exp());
        D = Vector("D", zeros([Width]));
    }

    /// <summary>Logarithms of the decays [d_model, poles].</summary>
    public nn.Parameter Rate { get; }

    /// <summary>Residues [d_model, poles].</summary>
    public nn.Parameter R { get; }

    /// <summary>The skip [d_model].</summary>
    public nn.Parameter D { get; }

    /// <inheritdoc/>
    public override MixerWork Work => ModalFilter.Work(Width, Settings.Poles, complex: false).Plus(ShortConv.Flops(ShortFilter));

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, ShortShape(batch), ModalFilter.StateShape(batch, Width, Settings.Poles, false));

    private protected override Tensor Whole(Tensor gates) => LongConv.Gated(gates, Filter(StateType(gates)).Taps(gates.size(1)), D);

    private protected override Tensor Further(Tensor z, RecurrentState state)
    {
        Tensor wide = z.to(state[1].dtype);
        return (Filter(wide.dtype).Further(wide, state[1]) + (wide * D.to(wide.dtype))).to(z.dtype);
    }

    private ModalFilter Filter(ScalarType type) => new(Rate.to(type).exp().neg(), null, R.to(type), null);
}
