using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// The delta rule with momentum and forgetting by kernels, as one differentiable operation with a backward pass by hand. Kept between the passes besides
/// the inputs: what was written, the chunks' maps of states to it, and the states at the chunks' starts.
/// </summary>
internal sealed class MomentumDeltaKernel : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly bool _reverse;

    private MomentumDeltaKernel(KernelDevice device, bool reverse)
    {
        _device = device;
        _reverse = reverse;
    }

    protected override string Name => "MomentumDelta";

    /// <summary>The device whose kernels take this, or null.</summary>
    internal static KernelDevice? Device(in MomentumDelta.Inputs x) =>
        x.Rate.dtype == float32 && x.LogKeep.dtype == float32 && x.LogMomentum.dtype == float32 && x.Q.dtype == x.V.dtype && x.K.dtype == x.V.dtype
        && x.V.dtype is bfloat16 or float32 && x.Q.size(3) <= MomentumKernels.MaxWidth && x.V.size(1) > 0
            ? KernelDevices.Of(x.V)
            : null;

    /// <summary>Runs the recurrence; arguments are those of <see cref="MomentumDelta.Run"/>.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="x">The inputs, n at most 64.</param>
    /// <param name="state">f32 [batch, heads, 2 n, p], or null.</param>
    /// <param name="ids">int [batch, length], or null.</param>
    /// <param name="reverse">From the last position to the first; nothing is flipped.</param>
    internal static (Tensor Y, Tensor State) Run(KernelDevice device, MomentumDelta.Inputs x, Tensor? state, Tensor? ids, bool reverse = false)
    {
        (long n, long p) = (x.Q.size(3), x.V.size(3));
        if (p > MomentumKernels.MaxWidth)
        {
            // Columns of the state do not meet.
            int count = (int)((p + MomentumKernels.MaxWidth - 1) / MomentumKernels.MaxWidth);
            Tensor[] vs = x.V.chunk(count, 3);
            Tensor?[] states = state is null ? new Tensor?[vs.Length] : state.chunk(count, 3);
            (Tensor Y, Tensor State)[] parts = [.. vs.Select((own, i) => Run(device, x with { V = own }, states[i], ids, reverse))];
            return (cat(Array.ConvertAll(parts, r => r.Y), 3), cat(Array.ConvertAll(parts, r => r.State), 3));
        }

        // Both halves of the state's rows are filled up, so that M and S begin where the kernels look for them.
        Tensor? filled = state is null
            ? null
            : KernelWidths.Filled(cat([KernelWidths.Filled(state.narrow(2, 0, n), 2), KernelWidths.Filled(state.narrow(2, n, n), 2)], 2), 3);
        Tensor?[] y = new MomentumDeltaKernel(device, reverse).apply(KernelWidths.Filled(x.Q, 3), KernelWidths.Filled(x.K, 3), KernelWidths.Filled(x.V, 3),
            x.LogKeep, x.LogMomentum, x.Rate, filled, ids);
        Tensor last = KernelWidths.Cut(y[1]!, 3, p);
        long half = last.size(2) / 2;
        return (KernelWidths.Cut(y[0]!, 3, p), half == n ? last : cat([last.narrow(2, 0, n), last.narrow(2, half, n)], 2));
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor?[] kept =
        [
            .. inputs[..3].Select(t => KernelWidths.Rows(t!)), .. inputs[3..6].Select(t => t!.contiguous()), inputs[6]?.contiguous(),
            inputs[7]?.to(int32).contiguous(),
        ];
        Tensor y = empty(kept[2]!.shape, kept[2]!.dtype, kept[2]!.device);
        (Tensor last, DeltaKept own) = MomentumKernels.Forward(_device, Inputs(kept), y);
        save_for_backward([.. kept, own.Written, own.W, own.States, own.Through]);
        return [y, last];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor?[] kept = [.. Enumerable.Range(0, 8).Select(saved)];
        (Tensor q, Tensor k, Tensor v) = (kept[0]!, kept[1]!, kept[2]!);
        Tensor dy = grad_outputs[0] is { } given ? KernelWidths.Rows(given) : zeros(v.shape, v.dtype, v.device);
        var to = new SsdTargets(empty(q.shape, q.dtype, q.device), empty(k.shape, k.dtype, k.device), empty(v.shape, v.dtype, v.device));
        var own = new DeltaKept(saved(8)!, saved(9)!, saved(10)!, saved(11)!);
        (Tensor dkeep, Tensor dmomentum, Tensor drate, Tensor dstate) =
            MomentumKernels.Backward(_device, Inputs(kept), own, dy, grad_outputs[1]?.contiguous(), to);
        return [to.Q, to.K, to.V, dkeep, dmomentum, drate, kept[6] is null ? null : dstate, null];
    }

    private MomentumInputs Inputs(Tensor?[] t) => new(t[0]!, t[1]!, t[2]!, t[3]!, t[4]!, t[5]!)
    {
        State = t[6],
        Ids = t[7],
        Reverse = _reverse,
    };
}
