using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>The MLP of a layer: mixes along the channels.</summary>
public abstract class ChannelMlp : nn.Module
{
    /// <summary>Type that matrix products are computed in.</summary>
    public Torch.ScalarType ComputeType { get; set; } = float32;

    /// <summary>The MLP that a configuration asks for.</summary>
    /// <param name="config">Its settings.</param>
    /// <param name="dModel">Width of the residual stream.</param>
    internal static ChannelMlp Of(MlpConfig config, int dModel) =>
        config.Kind == MlpConfig.Gelu ? new GeluMlp(config, dModel) : new SwiGlu(config, dModel);

    /// <summary>x [batch, length, d_model] to the same shape.</summary>
    public abstract Tensor forward(Tensor x);
}
