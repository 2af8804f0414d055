using System.Runtime.Intrinsics;
using GenoSeq.Models.Kernels.Cpu;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Models.Kernels;

/// <summary>
/// Causal depthwise one-dimensional convolution with bias and optional SiLU:
/// out_t = silu(bias + sum_j weight[j] x_{t - (taps - 1) + j}). Only x is needed for the backward pass.
/// </summary>
public static unsafe class CausalConv
{
    /// <summary>Largest number of taps.</summary>
    public const int MaxTaps = 8;

    /// <summary>Forward pass on the CPU.</summary>
    /// <param name="inputs">Inputs.</param>
    /// <param name="outputs">Where results go.</param>
    /// <exception cref="ArgumentException">A required argument is missing, or a size or stride makes no sense.</exception>
    public static void Forward(in CausalConvInputs<float> inputs, in CausalConvOutputs<float> outputs)
    {
        Validate(inputs);
        KernelCheck.Required(outputs.Out, inputs.Batch, inputs.Length, inputs.Channels);
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                ConvForward<Simd512, Vector512<float>>.Run(inputs, outputs);
                break;
            case KernelPath.Vector256:
                ConvForward<Simd256, Vector256<float>>.Run(inputs, outputs);
                break;
            case KernelPath.Scalar:
                ConvForward<SimdScalar, float>.Run(inputs, outputs);
                break;
            default:
                CausalConvReference.Forward(inputs, outputs);
                break;
        }
    }

    /// <summary>Backward pass on the CPU.</summary>
    /// <param name="inputs">The forward pass's inputs.</param>
    /// <param name="gradients">Incoming gradients and targets.</param>
    /// <exception cref="ArgumentException">A required argument is missing, or a size or stride makes no sense.</exception>
    public static void Backward(in CausalConvInputs<float> inputs, in CausalConvGradients<float> gradients)
    {
        Validate(inputs);
        KernelCheck.Required(gradients.DOut, inputs.Batch, inputs.Length, inputs.Channels);
        KernelCheck.Optional(gradients.DX, inputs.Batch, inputs.Length, inputs.Channels);
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                ConvBackward<Simd512, Vector512<float>>.Run(inputs, gradients);
                break;
            case KernelPath.Vector256:
                ConvBackward<Simd256, Vector256<float>>.Run(inputs, gradients);
                break;
            case KernelPath.Scalar:
                ConvBackward<SimdScalar, float>.Run(inputs, gradients);
                break;
            default:
                CausalConvReference.Backward(inputs, gradients);
                break;
        }
    }

    private static void Validate(in CausalConvInputs<float> x)
    {
        KernelCheck.AtLeast(x.Batch, 0);
        KernelCheck.AtLeast(x.Length, 0);
        KernelCheck.AtLeast(x.Channels, 1);
        KernelCheck.Between(x.Taps, 1, MaxTaps);
        KernelCheck.Required(x.X, x.Batch, x.Length, x.Channels);
        KernelCheck.Present(x.Weight, 1);
        if (x.SequenceIds != null && x.Batch > 1) KernelCheck.AtLeast(x.SequenceIdsBatchStride, x.Length);
    }
}
