using GenoSeq.Models.Losses;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>GPT-2's and HyenaDNA's MLP, fc2(gelu(fc1(x))), gelu by its tanh formula (Hendrycks and Gimpel 2016).</summary>
public sealed class GeluMlp : ChannelMlp
{
    /// <summary>Creates the MLP.</summary>
    /// <param name="config">Its settings.</param>
    /// <param name="dModel">Width of the residual stream.</param>
    public GeluMlp(MlpConfig config, int dModel)
    {
        ArgumentNullException.ThrowIfNull(config);
        Fc1 = register_module("fc1", new nn.Linear(dModel, config.DFf, config.Bias));
        Fc2 = register_module("fc2", new nn.Linear(config.DFf, dModel, config.Bias));
    }

    /// <summary>[d_ff, d_model].</summary>
    public nn.Linear Fc1 { get; }

    /// <summary>[d_model, d_ff].</summary>
    public nn.Linear Fc2 { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, SideLosses? side = null) => Gemm.Linear(
        nn.functional.gelu(Gemm.Linear(x, Fc1.weight, Fc1.bias, ComputeType), "tanh"), Fc2.weight, Fc2.bias, ComputeType);
}
