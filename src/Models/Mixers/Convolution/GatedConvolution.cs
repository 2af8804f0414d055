using GenoSeq.Models.Mixers.Engines;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Convolution;

/// <summary>
/// What Hyena's operators have in common (Poli et al. 2023): in_proj gives two gates and an input, a short causal convolution runs over
/// all three, and with a filter h the output is g (h * (a v)). They differ in what h is.
/// </summary>
public abstract class GatedConvolution : Recurrence
{
    private protected GatedConvolution(ModelConfig config, bool shortBias)
    {
        ArgumentNullException.ThrowIfNull(config);
        Width = config.DModel;
        Settings = config.Hyena;
        ShortFilter = register_module("short_filter", new DepthwiseConv(3 * Width, Settings.ShortFilter, shortBias));
    }

    /// <summary>Over g, a and v: [3 d_model, 1, taps].</summary>
    public DepthwiseConv ShortFilter { get; }

    /// <inheritdoc/>
    public override int InputWidth => 3 * Width;

    /// <inheritdoc/>
    public override int OutputWidth => Width;

    /// <summary>d_model.</summary>
    private protected int Width { get; }

    private protected HyenaConfig Settings { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (sequenceIds is not null)
        {
            return PackedRows.Run(x, sequenceIds, row => forward(row, null, null));
        }

        Tensor gates = ShortConv.Run(x, ShortFilter, state?[0], null, silu: false);
        if (state is null)
        {
            return Whole(gates);
        }

        Tensor[] parts = gates.chunk(3, 2);
        return parts[0] * Further(parts[1] * parts[2], state);
    }

    /// <summary>g (h * (a v)) of whole sequences.</summary>
    /// <param name="gates">g, a, v side by side [batch, length, 3 d_model].</param>
    private protected abstract Tensor Whole(Tensor gates);

    /// <summary>h * z at further positions.</summary>
    /// <param name="z">[batch, positions, d_model].</param>
    /// <param name="state">Updated; part 0 is the short filter's.</param>
    private protected abstract Tensor Further(Tensor z, RecurrentState state);

    /// <summary>Shape of the short filter's state.</summary>
    private protected long[] ShortShape(long batch) => [batch, Settings.ShortFilter - 1, 3L * Width];
}
