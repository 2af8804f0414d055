using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Convolution;

/// <summary>
/// Hyena-MR of StripedHyena 2 (Ku et al. 2025, arXiv 2503.01868; Evo 2): medium regularised filters. The output is
/// g ((h * (a v)) + D (a v)) with h_j = w_j exp(-alpha j / (taps - 1)), 128 trained taps w that a group of channels shares. alpha goes
/// from 1 in the first group to 100 in the last, evenly by its logarithm, so that groups look back differently far.
/// </summary>
public sealed class HyenaMr : GatedConvolution
{
    /// <summary>Creates one direction.</summary>
    public HyenaMr(ModelConfig config) : base(config, shortBias: false)
    {
        ArgumentNullException.ThrowIfNull(config);
        using DisposeScope scope = NewDisposeScope();
        W = register_parameter("w", new nn.Parameter(
            randn([Settings.Groups(Width), Settings.MrLength]).div(Math.Sqrt(Settings.MrLength))) { NoWeightDecay = true, KeepFloat32 = true });
        D = Vector("D", zeros([Width]));
    }

    /// <summary>The filters before they decay [groups, taps].</summary>
    public nn.Parameter W { get; }

    /// <summary>The skip [d_model].</summary>
    public nn.Parameter D { get; }

    /// <inheritdoc/>
    public override MixerWork Work => BlockedFir.Work(Width, Settings.MrLength).Plus(ShortConv.Flops(ShortFilter));

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, ShortShape(batch), [batch, Settings.MrLength - 1, Width]);

    private protected override Tensor Whole(Tensor gates)
    {
        Tensor[] parts = gates.chunk(3, 2);
        return parts[0] * Convolve(parts[1] * parts[2], null);
    }

    private protected override Tensor Further(Tensor z, RecurrentState state) => Convolve(z, state[1]);

    private Tensor Convolve(Tensor z, Tensor? before)
    {
        (long groups, long taps) = (W.size(0), W.size(1));
        Tensor alpha = arange(0, groups, 1, float64, W.device).mul(2 * Math.Log(10) / Math.Max(1, groups - 1)).exp();
        Tensor decay = outer(alpha, arange(0, taps, 1, float64, W.device).div(-(taps - 1.0))).exp().to(StateType(z));
        return BlockedFir.Run(z, W.to(decay.dtype) * decay, before) + (z * Cast(D, z));
    }
}
