using System.Runtime.Intrinsics;
using GenoSeq.Models.Kernels.Cpu;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Models.Kernels;

/// <summary>SiLU-gated product silu(gate) * up, the inner step of a SwiGLU feed-forward layer (Shazeer, 2020).</summary>
public static class SwiGlu
{
    /// <summary>Forward pass on the CPU.</summary>
    /// <param name="inputs">Inputs.</param>
    /// <param name="output">Product [batch, length, channels], overwritten. May be either input.</param>
    /// <exception cref="ArgumentException">A required argument is missing, or a size or stride makes no sense.</exception>
    public static void Forward(in SwiGluInputs<float> inputs, Rows<float> output)
    {
        Validate(inputs);
        KernelCheck.Required(output, inputs.Batch, inputs.Length, inputs.Channels);
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                SwiGluCpu<Simd512, Vector512<float>>.Forward(inputs, output);
                break;
            case KernelPath.Vector256:
                SwiGluCpu<Simd256, Vector256<float>>.Forward(inputs, output);
                break;
            case KernelPath.Scalar:
                SwiGluCpu<SimdScalar, float>.Forward(inputs, output);
                break;
            default:
                SwiGluReference.Forward(inputs, output);
                break;
        }
    }

    /// <summary>Backward pass on the CPU.</summary>
    /// <param name="inputs">The forward pass's inputs.</param>
    /// <param name="gradients">Incoming gradient and targets.</param>
    /// <exception cref="ArgumentException">A required argument is missing, or a size or stride makes no sense.</exception>
    public static void Backward(in SwiGluInputs<float> inputs, in SwiGluGradients<float> gradients)
    {
        Validate(inputs);
        KernelCheck.Required(gradients.DOut, inputs.Batch, inputs.Length, inputs.Channels);
        KernelCheck.Optional(gradients.DGate, inputs.Batch, inputs.Length, inputs.Channels);
        KernelCheck.Optional(gradients.DUp, inputs.Batch, inputs.Length, inputs.Channels);
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                SwiGluCpu<Simd512, Vector512<float>>.Backward(inputs, gradients);
                break;
            case KernelPath.Vector256:
                SwiGluCpu<Simd256, Vector256<float>>.Backward(inputs, gradients);
                break;
            case KernelPath.Scalar:
                SwiGluCpu<SimdScalar, float>.Backward(inputs, gradients);
                break;
            default:
                SwiGluReference.Backward(inputs, gradients);
                break;
        }
    }

    private static void Validate(in SwiGluInputs<float> x)
    {
        KernelCheck.AtLeast(x.Batch, 0);
        KernelCheck.AtLeast(x.Length, 0);
        KernelCheck.AtLeast(x.Channels, 1);
        KernelCheck.Required(x.Gate, x.Batch, x.Length, x.Channels);
        KernelCheck.Required(x.Up, x.Batch, x.Length, x.Channels);
    }
}
