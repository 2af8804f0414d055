using System.Runtime.Intrinsics;
using GenoSeq.Models.Kernels.Cpu;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Models.Kernels;

/// <summary>
/// Softmax cross-entropy with integer targets: loss = lse - logit[target] + zloss * lse^2 with lse = log sum exp(logits).
/// </summary>
public static unsafe class CrossEntropy
{
    /// <summary>Largest vocabulary.</summary>
    public const int MaxVocab = 1024;

    /// <summary>Forward pass on the CPU.</summary>
    /// <param name="inputs">Inputs.</param>
    /// <param name="outputs">Optional per-token outputs.</param>
    /// <returns>Sums over tokens, added in a fixed order in double precision.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is missing, a size or stride makes no sense, or a target lies outside the vocabulary.
    /// </exception>
    public static CrossEntropyTotals Forward(in CrossEntropyInputs<float> inputs, in CrossEntropyOutputs<float> outputs)
    {
        Validate(inputs);
        return KernelDispatch.Current switch
        {
            KernelPath.Vector512 => CrossEntropyCpu<Simd512, Vector512<float>>.Forward(inputs, outputs),
            KernelPath.Vector256 => CrossEntropyCpu<Simd256, Vector256<float>>.Forward(inputs, outputs),
            KernelPath.Scalar => CrossEntropyCpu<SimdScalar, float>.Forward(inputs, outputs),
            _ => CrossEntropyReference.Forward(inputs, outputs),
        };
    }

    /// <summary>Backward pass on the CPU: scale * d(sum of weight * loss) / d logits.</summary>
    /// <param name="inputs">The forward pass's inputs.</param>
    /// <param name="gradients">Target, scale, and the optional saved log partition.</param>
    /// <exception cref="ArgumentException">
    /// A required argument is missing, a size or stride makes no sense, or a target lies outside the vocabulary.
    /// </exception>
    public static void Backward(in CrossEntropyInputs<float> inputs, in CrossEntropyGradients<float> gradients)
    {
        Validate(inputs);
        KernelCheck.Present(gradients.DLogits, inputs.Tokens);
        if (inputs.Tokens > 1) KernelCheck.AtLeast(gradients.DLogitsStride, inputs.Vocab);
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                CrossEntropyCpu<Simd512, Vector512<float>>.Backward(inputs, gradients);
                break;
            case KernelPath.Vector256:
                CrossEntropyCpu<Simd256, Vector256<float>>.Backward(inputs, gradients);
                break;
            case KernelPath.Scalar:
                CrossEntropyCpu<SimdScalar, float>.Backward(inputs, gradients);
                break;
            default:
                CrossEntropyReference.Backward(inputs, gradients);
                break;
        }
    }

    private static void Validate(in CrossEntropyInputs<float> x)
    {
        KernelCheck.AtLeast(x.Tokens, 0);
        KernelCheck.Between(x.Vocab, 2, MaxVocab);
        KernelCheck.Present(x.Logits, x.Tokens);
        KernelCheck.Present(x.Targets, x.Tokens);
        if (x.Tokens > 1) KernelCheck.AtLeast(x.LogitsStride, x.Vocab);
        for (int i = 0; i < x.Tokens; i++)
        {
            if (x.Targets[i] >= x.Vocab)
                throw new ArgumentException($"Target of token {i} is {x.Targets[i]}; expected below vocab {x.Vocab}, or negative to ignore it.");
        }
    }
}
