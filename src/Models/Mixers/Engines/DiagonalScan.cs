using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cpu;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E1: h_t = a_t h_(t-1) + x_t for every channel, |a_t| at most 1. On a device with kernels <see cref="DiagonalScanKernel"/>; one pass of
/// SIMD on a CPU; else (double precision) the rounds of <see cref="StatePassing"/>, stretch by stretch. The backward pass is the same recurrence from the other end and reads a and h.
/// </summary>
internal sealed unsafe class DiagonalScan : autograd.Function
{
    /// <summary>Operations of a channel and position.</summary>
    internal const double Flops = 2;

    private DiagonalScan()
    {
    }

    /// <summary>Runs the recurrence.</summary>
    /// <param name="a">[batch, length, channels].</param>
    /// <param name="x">[batch, length, channels], of a's type.</param>
    /// <param name="state">[batch, channels], or null: zeros.</param>
    /// <param name="ids">int [batch, length], or null: nothing is carried across a change.</param>
    /// <returns>h [batch, length, channels], and the last state [batch, channels].</returns>
    internal static (Tensor H, Tensor Last) Run(Tensor a, Tensor x, Tensor? state, Tensor? ids)
    {
        if (DiagonalScanKernel.Device(x, a, state) is { } device)
        {
            return DiagonalScanKernel.Run(device, a, x, state, ids);
        }

        if (ids is not null)
        {
            a = a * Continues(cat([ids.narrow(1, 0, 1), ids], 1), a.dtype);
        }

        Tensor before = state ?? zeros([x.size(0), x.size(2)], x.dtype, x.device);
        if (x.size(1) == 1)
        {
            Tensor only = (a.select(1, 0) * before) + x.select(1, 0);
            return (only.unsqueeze(1), only);
        }

        Tensor h = new DiagonalScan().apply(a, x, before)[0]!;
        return (h, h.select(1, h.size(1) - 1));
    }

    /// <summary>Of ids [batch, 1 + length]: 1 where a position's sequence is that of the one before, else 0; [batch, length, 1].</summary>
    internal static Tensor Continues(Tensor ids, ScalarType type)
    {
        long length = ids.size(1) - 1;
        return ids.narrow(1, 1, length).eq(ids.narrow(1, 0, length)).to(type).unsqueeze(-1);
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        (Tensor a, Tensor x, Tensor before) = (inputs[0]!.contiguous(), inputs[1]!.contiguous(), inputs[2]!.contiguous());
        Tensor h = empty_like(x);
        if (OnHost(x))
        {
            LinearScanCpu.Forward(At(a), At(x), At(before), At(h), (int)x.size(0), (int)x.size(1), (int)x.size(2));
        }
        else
        {
            Stretches(x, before, (first, count, state) =>
            {
                Tensor own = StatePassing.Scan(a.narrow(1, first, count), x.narrow(1, first, count), state);
                h.narrow(1, first, count).copy_(own);
                return h.select(1, first + count - 1);
            });
        }

        save_for_backward(a, before, h);
        return [h];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        (Tensor a, Tensor before, Tensor h, Tensor dh) = (saved(0)!, saved(1)!, saved(2)!, grad_outputs[0]!.contiguous());
        (Tensor da, Tensor dx) = (empty_like(a), empty_like(h));
        long length = h.size(1);
        if (OnHost(h))
        {
            LinearScanCpu.Backward(At(a), At(before), At(h), At(dh), At(da), At(dx), (int)h.size(0), (int)length, (int)h.size(2));
        }
        else
        {
            // Stretches from the end: positions last to first, a taken from the position behind.
            Stretches(h, zeros_like(before), (first, count, state) =>
            {
                long begin = length - first - count;
                Tensor behind = first == 0
                    ? cat([a.narrow(1, begin + 1, count - 1), zeros_like(a.narrow(1, 0, 1))], 1)
                    : a.narrow(1, begin + 1, count);
                dx.narrow(1, begin, count).copy_(StatePassing.Scan(behind.flip(1), dh.narrow(1, begin, count).flip(1), state).flip(1));
                return dx.select(1, begin);
            });
            da.narrow(1, 0, 1).copy_(dx.narrow(1, 0, 1) * before.unsqueeze(1));
            da.narrow(1, 1, length - 1).copy_(dx.narrow(1, 1, length - 1) * h.narrow(1, 0, length - 1));
        }

        return [da, dx, a.select(1, 0) * dx.select(1, 0)];
    }

    // Calls the body with each stretch's first position, its length and the state before it; it returns the state behind it.
    private static void Stretches(Tensor x, Tensor state, Func<long, long, Tensor, Tensor> body)
    {
        long each = SegmentedRecurrence.Positions(x.size(0) * x.size(2), 1);
        for (long first = 0; first < x.size(1); first += each)
        {
            using DisposeScope scope = NewDisposeScope();
            state = body(first, Math.Min(each, x.size(1) - first), state).MoveToOuterDisposeScope();
        }
    }

    private static bool OnHost(Tensor t) => TensorRows.OnKernels(t) && KernelDispatch.Current != KernelPath.Reference;

    private static float* At(Tensor t) => (float*)t.data_ptr();
}
