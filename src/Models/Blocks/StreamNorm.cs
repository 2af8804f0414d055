using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>A norm of the residual stream, over the last dimension.</summary>
public abstract class StreamNorm : nn.Module
{
    private protected StreamNorm(int dModel, double eps)
    {
        Eps = eps;
        weight = register_parameter("weight", new nn.Parameter(ones([dModel])) { NoWeightDecay = true });
    }

    /// <summary>[d_model].</summary>
    public nn.Parameter weight { get; }

    internal double Eps { get; }

    /// <summary>The norm that a configuration names.</summary>
    /// <param name="config">The model's settings.</param>
    internal static StreamNorm Of(ModelConfig config) => config.Norm == ModelConfig.LayerNorm
        ? new LayerNorm(config.DModel, config.NormEps)
        : new RmsNorm(config.DModel, config.NormEps);

    /// <summary>Adds x to the residual and normalises the sum, in one pass.</summary>
    /// <param name="x">[..., d_model].</param>
    /// <param name="residual">The same shape, or null for none.</param>
    /// <param name="mirrored">Channels are reversed.</param>
    /// <returns>The normalised sum, and the sum.</returns>
    public (Tensor Normed, Tensor Residual) AddNorm(Tensor x, Tensor? residual, bool mirrored)
    {
        (Tensor normed, Tensor? sum) = AddNorm(x, residual, mirrored, true);
        return (normed, sum!);
    }

    /// <summary>Adds x to the residual and normalises the sum, which nobody reads further.</summary>
    internal Tensor Last(Tensor x, Tensor? residual, bool mirrored = false) => AddNorm(x, residual, mirrored, false).Normed;

    /// <summary>Normalises a residual stream without gradients.</summary>
    /// <param name="sum">[..., d_model], single precision or the activation type.</param>
    /// <param name="mirrored">Channels are reversed.</param>
    /// <param name="activation">Type of the result on a device with kernels.</param>
    internal Tensor OfSum(Tensor sum, bool mirrored, Torch.ScalarType activation)
    {
        if (KernelDevices.Of(sum) is not { } device || !OnKernels(sum))
        {
            return AddNorm(sum, null, mirrored, false).Normed;
        }

        (Tensor w, Tensor? b) = Parameters(mirrored);
        return (sum.dtype == activation
            ? NormKernels.Forward(device, sum, null, w, Eps, activation, false, false, b)
            : NormKernels.Forward(device, null, sum, w, Eps, activation, false, false, b)).Y;
    }

    /// <summary>Normalises a residual stream, differentiably; the result has the activation type on a device with kernels.</summary>
    /// <param name="sum">[..., d_model], single precision or the activation type.</param>
    /// <param name="mirrored">Channels are reversed.</param>
    /// <param name="activation">Type of the result there.</param>
    internal Tensor OfStream(Tensor sum, bool mirrored, Torch.ScalarType activation)
    {
        if (sum.dtype == activation || KernelDevices.Of(sum) is not { } device || !OnKernels(sum))
        {
            return AddNorm(sum, null, mirrored, false).Normed;
        }

        (Tensor w, Tensor? b) = Parameters(mirrored);
        return new DeviceAddNorm(device, Eps, activation, false).OfSum(sum, w, b);
    }

    /// <summary>Weight, and bias where there is one, for channels in their order or reversed.</summary>
    private protected abstract (Tensor Weight, Tensor? Bias) Parameters(bool mirrored);

    /// <summary>The norm where no device's kernels take it.</summary>
    private protected abstract (Tensor Normed, Tensor Residual) OnHost(Tensor x, Tensor? residual, bool mirrored);

    private static bool OnKernels(Tensor x) =>
        x.dtype is bfloat16 or float32 && x.size(-1) % 8 == 0 && x.size(-1) <= NormKernels.MaxWidth;

    private (Tensor Normed, Tensor? Residual) AddNorm(Tensor x, Tensor? residual, bool mirrored, bool keepSum)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (KernelDevices.Of(x) is not { } device || !OnKernels(x))
        {
            return OnHost(x, residual, mirrored);
        }

        (Tensor w, Tensor? b) = Parameters(mirrored);
        Tensor?[] normed = new DeviceAddNorm(device, Eps, x.dtype, keepSum).apply(x, residual, w, b);
        return (normed[0]!, normed[1]);
    }
}
