using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Convolution;

/// <summary>
/// Hyena of order 2 (Poli et al. 2023, "Hyena Hierarchy", arXiv 2302.10866) as HyenaDNA has it (Nguyen et al. 2023, arXiv 2306.15794).
/// in_proj gives x0, x1 and v, each through a convolution of three taps; with the implicit filter h of <see cref="HyenaFilter"/> and its
/// skip D the output is y = x0 ((h * (x1 v)) + D (x1 v)), h * z by FFT over the whole sequence.
/// </summary>
/// <remarks>
/// The filter is any function, so no state of fixed size holds what it has read: decoding keeps x1 v of every position, and the filter
/// beside it, and a position costs as many operations as there are before it.
/// </remarks>
public sealed class Hyena : GatedConvolution
{
    /// <summary>Creates one direction.</summary>
    public Hyena(ModelConfig config) : base(config, shortBias: true) =>
        Filter = register_module("filter_fn", new HyenaFilter(config.Hyena, config.DModel, config.InitializerRange));

    /// <summary>The long filter.</summary>
    public HyenaFilter Filter { get; }

    /// <inheritdoc/>
    public override MixerWork Work
    {
        get
        {
            (long width, long kept) = (Width, (Settings.ShortFilter - 1) * 3L * Width);
            double perTap = 2.0 * Settings.FilterOrder * (Settings.EmbDim + ((long)Settings.NumInnerMlps * Settings.FilterOrder) + Width);
            return new MixerWork(length => LongConv.Flops(width, length), position => 2.0 * width * (position + 1))
            {
                Filter = length => LongConv.FilterFlops(width, length) + (perTap * length),
                // Inputs of all positions, and the filter once for all sequences.
                State = (batch, position) => (batch * kept) + ((batch + 1) * position * width),
            }.Plus(ShortConv.Flops(ShortFilter));
        }
    }

    /// <inheritdoc/>
    public override long GrowthBytes => 4L * Width;

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, ShortShape(batch), [batch, 0, Width], [1, 0, Width]);

    private protected override Tensor Whole(Tensor gates) => LongConv.Gated(
        gates, Filter.Raw(gates.size(1), StateType(gates)), Filter.bias, Filter.Window());

    // Part 1: z of all positions, with room behind them; part 2: the filter for all entries, last tap first, as long as the room.
    private protected override Tensor Further(Tensor z, RecurrentState state)
    {
        (long before, long count) = (state.Position, z.size(1));
        long length = before + count;
        if (length > state[1].size(1))
        {
            Grow(state, Math.Max(length, Math.Min(Settings.LMax, Math.Max(256, 2 * state[1].size(1)))));
        }

        Tensor history = state[1].narrow(1, 0, length);
        history.narrow(1, before, count).copy_(z);
        state.Position = length;
        Tensor taps = state[2].select(0, 0).narrow(0, state[2].size(1) - length, length);
        return count == 1
            ? (history * taps).sum([1], true).to(z.dtype)
            : LongConv.Causal(history, taps.flip(0)).narrow(1, before, count).to(z.dtype);
    }

    private void Grow(RecurrentState state, long room)
    {
        Tensor old = state[1];
        Tensor wide = zeros([old.size(0), room, Width], old.dtype, old.device);
        wide.narrow(1, 0, old.size(1)).copy_(old);
        Tensor taps = LongConv.WithSkip(Filter.Raw(room, old.dtype) * Filter.Window().Of(room, old.dtype), Filter.bias).flip(0);
        state.Replace(1, wide);
        state.Replace(2, taps.unsqueeze(0));
    }
}
