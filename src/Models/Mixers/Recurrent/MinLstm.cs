using GenoSeq.Models.Mixers.Engines;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// minLSTM (Feng et al. 2024, "Were RNNs All We Needed?", arXiv 2410.01201). in_proj gives a forget logit, an input logit and a candidate c
/// for each channel; with f = sigmoid(.) and i = sigmoid(.), brought to a sum of 1,
/// h_t = f_t / (f_t + i_t) h_(t-1) + i_t / (f_t + i_t) c_t, which is the output.
/// </summary>
public sealed class MinLstm : ChannelRecurrence
{
    /// <summary>Creates one direction: by default as many channels as the model has.</summary>
    public MinLstm(ModelConfig config) : base(config)
    {
        ForgetBias = Vector("forget_bias", zeros([Width]));
        InputBias = Vector("input_bias", zeros([Width]));
    }

    /// <summary>[channels].</summary>
    public nn.Parameter ForgetBias { get; }

    /// <summary>[channels].</summary>
    public nn.Parameter InputBias { get; }

    /// <inheritdoc/>
    public override int InputWidth => 3 * Width;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.to(StateType(x)).split([Width, Width, Width], 2);
        // f / (f + i) = sigmoid(log f - log i): nothing is divided by a sum that may vanish.
        Tensor odds = LogSigmoid(parts[0] + Cast(ForgetBias, parts[0])) - LogSigmoid(parts[1] + Cast(InputBias, parts[1]));
        (Tensor h, Tensor last) = DiagonalScan.Run(odds.sigmoid(), odds.neg().sigmoid() * parts[2], state?[0], sequenceIds);
        state?[0].copy_(last);
        return h.to(x.dtype);
    }
}
