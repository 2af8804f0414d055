using System.Runtime.Intrinsics;
using GenoSeq.Models.Kernels.Cpu;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Models.Kernels;

/// <summary>
/// Root-mean-square normalisation (Zhang and Sennrich, 2019) of residual + x: y = r / sqrt(mean(r^2) + eps) * weight.
/// </summary>
public static unsafe class RmsNorm
{
    /// <summary>Forward pass on the CPU.</summary>
    /// <param name="inputs">Inputs.</param>
    /// <param name="outputs">Where results go.</param>
    /// <exception cref="ArgumentException">A required argument is missing, or a size or stride makes no sense.</exception>
    public static void Forward(in RmsNormInputs<float> inputs, in RmsNormOutputs<float> outputs)
    {
        Sizes(inputs.Batch, inputs.Length, inputs.Channels, inputs.Weight);
        KernelCheck.Required(inputs.X, inputs.Batch, inputs.Length, inputs.Channels);
        KernelCheck.Optional(inputs.Residual, inputs.Batch, inputs.Length, inputs.Channels);
        KernelCheck.Required(outputs.Y, inputs.Batch, inputs.Length, inputs.Channels);
        KernelCheck.Optional(outputs.ResidualSum, inputs.Batch, inputs.Length, inputs.Channels);
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                RmsNormCpu<Simd512, Vector512<float>>.Forward(inputs, outputs);
                break;
            case KernelPath.Vector256:
                RmsNormCpu<Simd256, Vector256<float>>.Forward(inputs, outputs);
                break;
            case KernelPath.Scalar:
                RmsNormCpu<SimdScalar, float>.Forward(inputs, outputs);
                break;
            default:
                RmsNormReference.Forward(inputs, outputs);
                break;
        }
    }

    /// <summary>Backward pass on the CPU.</summary>
    /// <param name="gradients">Saved values, incoming gradients and targets.</param>
    /// <exception cref="ArgumentException">A required argument is missing, or a size or stride makes no sense.</exception>
    public static void Backward(in RmsNormGradients<float> gradients)
    {
        int batch = gradients.Batch, length = gradients.Length, channels = gradients.Channels;
        Sizes(batch, length, channels, gradients.Weight);
        KernelCheck.Present(gradients.Rstd, (long)batch * length);
        KernelCheck.Required(gradients.ResidualSum, batch, length, channels);
        KernelCheck.Required(gradients.DY, batch, length, channels);
        KernelCheck.Optional(gradients.DResidualSum, batch, length, channels);
        KernelCheck.Required(gradients.DX, batch, length, channels);
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                RmsNormCpu<Simd512, Vector512<float>>.Backward(gradients);
                break;
            case KernelPath.Vector256:
                RmsNormCpu<Simd256, Vector256<float>>.Backward(gradients);
                break;
            case KernelPath.Scalar:
                RmsNormCpu<SimdScalar, float>.Backward(gradients);
                break;
            default:
                RmsNormReference.Backward(gradients);
                break;
        }
    }

    private static void Sizes(int batch, int length, int channels, float* weight)
    {
        KernelCheck.AtLeast(batch, 0);
        KernelCheck.AtLeast(length, 0);
        KernelCheck.AtLeast(channels, 1);
        KernelCheck.Present(weight, 1);
    }
}
