using GenoSeq.Models.Mixers.Engines;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// minGRU (Feng et al. 2024, "Were RNNs All We Needed?", arXiv 2410.01201). in_proj gives a logit and a candidate c for each channel; with
/// z = sigmoid(logit), h_t = (1 - z_t) h_(t-1) + z_t c_t, which is the output.
/// </summary>
public sealed class MinGru : ChannelRecurrence
{
    /// <summary>Creates one direction: by default as many channels as the model has.</summary>
    public MinGru(ModelConfig config) : base(config)
    {
        GateBias = Vector("gate_bias", zeros([Width]));
    }

    /// <summary>[channels].</summary>
    public nn.Parameter GateBias { get; }

    /// <inheritdoc/>
    public override int InputWidth => 2 * Width;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.to(StateType(x)).split([Width, Width], 2);
        Tensor logit = parts[0] + Cast(GateBias, parts[0]);
        (Tensor h, Tensor last) = DiagonalScan.Run(logit.neg().sigmoid(), logit.sigmoid() * parts[1], state?[0], sequenceIds);
        state?[0].copy_(last);
        return h.to(x.dtype);
    }
}
