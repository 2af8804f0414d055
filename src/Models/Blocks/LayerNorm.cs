using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>LayerNorm (Ba et al. 2016): (x - mean(x)) * rsqrt(var(x) + eps) * weight + bias, over the last dimension.</summary>
public sealed class LayerNorm : StreamNorm
{
    private static readonly Operator s_layerNorm = new("aten::layer_norm");

    /// <summary>Creates the norm with a weight of ones and a bias of zeros.</summary>
    public LayerNorm(int dModel, double eps) : base(dModel, eps) =>
        bias = register_parameter("bias", new nn.Parameter(zeros([dModel])) { NoWeightDecay = true });

    /// <summary>[d_model].</summary>
    public nn.Parameter bias { get; }

    private protected override (Tensor Weight, Tensor? Bias) Parameters(bool mirrored) =>
        mirrored ? (weight.flip(0), bias.flip(0)) : (weight, bias);

    private protected override (Tensor Normed, Tensor Residual) OnHost(Tensor x, Tensor? residual, bool mirrored)
    {
        Tensor sum = residual is null ? x : residual + x;
        (Tensor w, Tensor? b) = Parameters(mirrored);
        return (s_layerNorm.Call(sum.to(w.dtype), new[] { sum.size(-1) }, w, b, Eps).to(x.dtype), sum);
    }
}
