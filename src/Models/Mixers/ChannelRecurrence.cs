using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;

namespace GenoSeq.Models.Mixers;

/// <summary>A recurrence of channels that do not see each other, whose state is one number a channel, if it says nothing else.</summary>
public abstract class ChannelRecurrence : Recurrence
{
    /// <summary>Takes the width: as many channels as the model has, or <c>expand</c> times as many.</summary>
    /// <param name="config">The model's settings.</param>
    protected ChannelRecurrence(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Width = Math.Max(1, config.Recurrent.Expand) * config.DModel;
    }

    /// <inheritdoc/>
    public override int OutputWidth => Width;

    /// <inheritdoc/>
    public override MixerWork Work => MixerWork.Constant(DiagonalScan.Flops * Width);

    /// <summary>Channels.</summary>
    protected int Width { get; }

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) => new(type, device, [batch, Width]);
}
