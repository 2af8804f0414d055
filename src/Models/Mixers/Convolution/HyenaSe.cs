using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Convolution;

/// <summary>
/// Hyena-SE of StripedHyena 2 (Ku et al. 2025, arXiv 2503.01868; Evo 2): short explicit filters. The output is g (h * (a v)) with h of
/// 7 trained taps that a group of channels shares. Decoding keeps the last inputs.
/// </summary>
public sealed class HyenaSe : GatedConvolution
{
    /// <summary>Creates one direction.</summary>
    public HyenaSe(ModelConfig config) : base(config, shortBias: false)
    {
        ArgumentNullException.ThrowIfNull(config);
        using DisposeScope scope = NewDisposeScope();
        H = register_parameter("h", new nn.Parameter(
            randn([Settings.Groups(Width), Settings.SeLength]).div(Math.Sqrt(Settings.SeLength))) { NoWeightDecay = true, KeepFloat32 = true });
    }

    /// <summary>The filters [groups, taps].</summary>
    public nn.Parameter H { get; }

    /// <inheritdoc/>
    public override MixerWork Work => BlockedFir.Work(Width, Settings.SeLength).Plus(ShortConv.Flops(ShortFilter));

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, ShortShape(batch), [batch, Settings.SeLength - 1, Width]);

    private protected override Tensor Whole(Tensor gates)
    {
        Tensor[] parts = gates.chunk(3, 2);
        return parts[0] * BlockedFir.Run(parts[1] * parts[2], H, null);
    }

    private protected override Tensor Further(Tensor z, RecurrentState state) => BlockedFir.Run(z, H, state[1]);
}
