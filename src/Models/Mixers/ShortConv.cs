using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers.Engines;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// The short causal depthwise convolution of recurrent mixers, y_t = f(bias + sum_j weight_j x_(t - taps + 1 + j)), f = SiLU or
/// nothing: our kernels where they take the tensor, libtorch's operators tap by tap elsewhere.
/// </summary>
internal static class ShortConv
{
    /// <summary>Convolves.</summary>
    /// <param name="x">[batch, length, channels].</param>
    /// <param name="conv">[channels, 1, taps] and [channels].</param>
    /// <param name="halo">The taps - 1 inputs before the first [batch, taps - 1, channels], oldest first, updated; null: zeros.</param>
    /// <param name="sequenceIds">int32 [batch, length], or null. No tap reaches across a change.</param>
    /// <param name="silu">Whether SiLU follows.</param>
    /// <returns>[batch, length, channels] in x's type.</returns>
    internal static Tensor Run(Tensor x, DepthwiseConv conv, Tensor? halo, Tensor? sequenceIds, bool silu = true)
    {
        Tensor? before = halo?.to(x.dtype);
        Tensor y = Convolve(x, conv, before, sequenceIds, silu);
        if (before is not null && before.size(1) > 0)
        {
            using IDisposable mode = no_grad();
            long keep = before.size(1);
            halo!.copy_(cat([before, x], 1).narrow(1, x.size(1), keep));
        }

        return y;
    }

    /// <summary>Operations of a position.</summary>
    internal static double Flops(DepthwiseConv conv) => 2.0 * conv.weight.numel();

    private static Tensor Convolve(Tensor x, DepthwiseConv conv, Tensor? before, Tensor? ids, bool silu)
    {
        long taps = conv.weight.size(2);
        if (x.dtype is bfloat16 or float32 && x.size(2) % 8 == 0 && taps is >= 2 and <= 4 && KernelDevices.Of(x) is { } device)
        {
            return new Device(device, silu).apply(x, conv.weight, conv.bias, before, ids?.to(int32))[0]!;
        }

        if (TensorRows.OnKernels(x) && taps <= CausalConv.MaxTaps)
        {
            return new Host(silu).apply(x, conv.weight, conv.bias, before, ids?.to(int32))[0]!;
        }

        Tensor y = TapByTap(x, conv, before, ids);
        return silu ? nn.functional.silu(y) : y;
    }

    private static Tensor TapByTap(Tensor x, DepthwiseConv conv, Tensor? before, Tensor? ids)
    {
        (long length, long taps) = (x.size(1), conv.weight.size(2));
        Tensor w = conv.weight.to(x.dtype);
        Tensor padded = cat([before ?? zeros([x.size(0), taps - 1, x.size(2)], x.dtype, x.device), x], 1);
        Tensor? result = conv.bias?.to(x.dtype).expand(x.shape);
        for (long k = 0; k < taps; k++)
        {
            Tensor term = padded.narrow(1, k, length) * w.select(2, k).squeeze(1);
            long back = taps - 1 - k;
            if (ids is not null && back > 0)
            {
                // What lies before the first position belongs to the first sequence.
                Tensor earlier = cat([ids.narrow(1, 0, 1).expand(x.size(0), Math.Min(back, length)), ids], 1).narrow(1, 0, length);
                term = term * ids.eq(earlier).to(x.dtype).unsqueeze(2);
            }

            result = result is null ? term : result + term;
        }

        return result!;
    }

    // Inputs: x, weight, bias, the inputs before the first, ids.
    private sealed unsafe class Host(bool silu) : autograd.Function
    {
        protected override string Name => "ShortConv";

        protected override Tensor?[] forward(Tensor?[] inputs)
        {
            Tensor x = inputs[0]!.stride(2) == 1 ? inputs[0]! : inputs[0]!.contiguous();
            Tensor?[] kept = [x, inputs[1], inputs[2], inputs[3]?.contiguous(), inputs[4]?.contiguous()];
            Tensor y = empty(x.shape);
            CausalConv.Forward(Inputs(kept), new CausalConvOutputs<float> { Out = TensorRows.Of(y) });
            save_for_backward(kept);
            return [y];
        }

        protected override Tensor?[] backward(Tensor?[] grad_outputs)
        {
            Tensor?[] kept = [saved(0), saved(1), saved(2), saved(3), saved(4)];
            Tensor dx = empty(kept[0]!.shape);
            Tensor dw = empty_like(kept[1]!);
            Tensor? db = kept[2] is null ? null : empty_like(kept[2]!);
            Tensor dy = grad_outputs[0]!.contiguous();
            CausalConv.Backward(Inputs(kept), new CausalConvGradients<float>
            {
                DOut = TensorRows.Of(dy),
                DX = TensorRows.Of(dx),
                DWeight = TensorRows.Dense(dw),
                DBias = TensorRows.Dense(db),
            });
            return [dx, dw, db, null, null];
        }

        private CausalConvInputs<float> Inputs(Tensor?[] t) => new()
        {
            Batch = (int)t[0]!.size(0),
            Length = (int)t[0]!.size(1),
            Channels = (int)t[0]!.size(2),
            Taps = (int)t[1]!.size(2),
            X = TensorRows.Of(t[0]!),
            Weight = TensorRows.Dense(t[1]),
            Bias = TensorRows.Dense(t[2]),
            Silu = silu,
            InitialHalo = TensorRows.Dense(t[3]),
            SequenceIds = t[4] is null ? null : (int*)t[4]!.data_ptr(),
            SequenceIdsBatchStride = t[4]?.stride(0) ?? 0,
        };
    }

    private sealed class Device(KernelDevice device, bool silu) : autograd.Function
    {
        protected override string Name => "ShortConv";

        protected override Tensor?[] forward(Tensor?[] inputs)
        {
            // x is mostly columns of in_proj's output, whose rows the kernels read where they lie.
            Tensor?[] kept = [KernelWidths.Rows(inputs[0]!.unsqueeze(2)).squeeze(2), .. inputs[1..].Select(t => t?.contiguous())];
            save_for_backward(kept);
            return [ConvKernels.Forward(device, kept[0]!, [Direction(kept)], kept[4], silu)[0]];
        }

        protected override Tensor?[] backward(Tensor?[] grad_outputs)
        {
            Tensor?[] kept = [saved(0), saved(1), saved(2), saved(3), saved(4)];
            Tensor dx = empty(kept[0]!.shape, kept[0]!.dtype, kept[0]!.device);
            ConvGradients g = ConvKernels.Backward(device, kept[0]!, [Direction(kept)], kept[4], [grad_outputs[0]!.contiguous()], dx, silu: silu)[0];
            return [dx, g.DWeight, g.DBias, null, null];
        }

        private static ConvDirection Direction(Tensor?[] t) => new(t[1]!, t[2], false, t[3]);
    }
}
