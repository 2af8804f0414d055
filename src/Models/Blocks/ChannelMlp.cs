using GenoSeq.Models.Losses;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>The MLP of a layer: mixes the channels of each position.</summary>
public abstract class ChannelMlp : nn.Module
{
    /// <summary>Type that matrix products are computed in.</summary>
    public virtual Torch.ScalarType ComputeType { get; set; } = float32;

    /// <summary>The dense MLP that a configuration asks for.</summary>
    /// <param name="config">Its settings.</param>
    /// <param name="dModel">Width of the residual stream.</param>
    internal static ChannelMlp Of(MlpConfig config, int dModel) =>
        config.Kind == MlpConfig.Gelu ? new GeluMlp(config, dModel) : new SwiGlu(config, dModel);

    /// <summary>x [batch, length, d_model] to the same shape.</summary>
    /// <param name="x">The normalised stream.</param>
    /// <param name="side">Collects what the loss adds for the layer; null: nobody asks.</param>
    public abstract Tensor forward(Tensor x, SideLosses? side = null);
}
