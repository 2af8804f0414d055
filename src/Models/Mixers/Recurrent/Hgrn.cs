using GenoSeq.Models.Mixers.Engines;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// HGRN (Qin et al. 2023, "Hierarchically Gated Recurrent Neural Network", arXiv 2311.04823) with a real state. in_proj gives an input i, a
/// forget logit and an output gate o; with f = sigmoid(logit), h_t = f_t h_(t-1) + (1 - f_t) silu(i_t); the output is silu(o) norm(h) w.
/// The paper's lower bound of f, which grows from layer to layer, is 0 here, as in its first layer.
/// </summary>
public sealed class Hgrn : ChannelRecurrence
{
    private readonly double _eps;

    /// <summary>Creates one direction: by default as many channels as the model has.</summary>
    public Hgrn(ModelConfig config) : base(config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _eps = config.NormEps;
        NormWeight = Vector("norm_weight", ones([Width]));
    }

    /// <summary>Of the state's norm: [channels].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => 3 * Width;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([Width, Width, Width], 2);
        Tensor logit = parts[1].to(StateType(x));
        Tensor input = nn.functional.silu(parts[0]).to(logit.dtype) * logit.neg().sigmoid();
        (Tensor h, Tensor last) = DiagonalScan.Run(logit.sigmoid(), input, state?[0], sequenceIds);
        state?[0].copy_(last);
        return UnitRms(h, NormWeight, _eps).to(x.dtype) * nn.functional.silu(parts[2]);
    }
}
