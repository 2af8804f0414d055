using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// The recurrence with a transition that is diagonal plus of rank one by kernels, as one differentiable operation with a backward pass by hand. Kept
/// between the passes besides the inputs: what was read, the chunks' maps of states to it, and the states at the chunks' starts.
/// </summary>
internal sealed class DiagonalLowRankKernel : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly bool _reverse;

    private DiagonalLowRankKernel(KernelDevice device, bool reverse)
    {
        _device = device;
        _reverse = reverse;
    }

    protected override string Name => "DiagonalLowRank";

    /// <summary>The device whose kernels take this, or null.</summary>
    internal static KernelDevice? Device(in DiagonalLowRank.Inputs x) =>
        x.LogDecay.dtype == float32 && x.Q.dtype == x.V.dtype && x.K.dtype == x.V.dtype && x.V.dtype is bfloat16 or float32 && x.Q.size(3) <= KernelWidths.Max
        && x.V.size(1) > 0
            ? KernelDevices.Of(x.V)
            : null;

    /// <summary>Runs the recurrence; arguments are those of <see cref="DiagonalLowRank.Run"/>.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="x">The inputs, n at most 128. A and B are read in the activations' type.</param>
    /// <param name="state">f32 [batch, heads, n, p], or null.</param>
    /// <param name="ids">int [batch, length], or null.</param>
    /// <param name="reverse">From the last position to the first; nothing is flipped.</param>
    internal static (Tensor Y, Tensor State) Run(KernelDevice device, DiagonalLowRank.Inputs x, Tensor? state, Tensor? ids, bool reverse = false)
    {
        (long n, long p) = (x.Q.size(3), x.V.size(3));
        if (p > KernelWidths.Max)
        {
            // Columns of the state do not meet.
            Tensor[] vs = KernelWidths.Slabs(x.V, 3);
            Tensor?[] states = state is null ? new Tensor?[vs.Length] : KernelWidths.Slabs(state, 3);
            (Tensor Y, Tensor State)[] parts = [.. vs.Select((own, i) => Run(device, x with { V = own }, states[i], ids, reverse))];
            return (cat(Array.ConvertAll(parts, r => r.Y), 3), cat(Array.ConvertAll(parts, r => r.State), 3));
        }

        state = state is null ? null : KernelWidths.Filled(KernelWidths.Filled(state, 2), 3);
        Tensor?[] y = new DiagonalLowRankKernel(device, reverse).apply(KernelWidths.Filled(x.Q, 3), KernelWidths.Filled(x.K, 3), KernelWidths.Filled(x.V, 3),
            KernelWidths.Filled(x.A.to(x.V.dtype), 3), KernelWidths.Filled(x.B.to(x.V.dtype), 3), KernelWidths.Filled(x.LogDecay, 3), state, ids);
        return (KernelWidths.Cut(y[0]!, 3, p), KernelWidths.Cut(KernelWidths.Cut(y[1]!, 2, n), 3, p));
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor?[] kept =
        [
            .. inputs[..5].Select(t => KernelWidths.Rows(t!)), inputs[5]!.contiguous(), inputs[6]?.contiguous(), inputs[7]?.to(int32).contiguous(),
        ];
        Tensor y = empty(kept[2]!.shape, kept[2]!.dtype, kept[2]!.device);
        (Tensor last, DplrKept own) = DplrKernels.Forward(_device, Inputs(kept), y);
        save_for_backward([.. kept, own.U, own.W, own.States, own.Through]);
        return [y, last];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor?[] kept = [.. Enumerable.Range(0, 8).Select(saved)];
        (Tensor q, Tensor k, Tensor v) = (kept[0]!, kept[1]!, kept[2]!);
        Tensor dy = grad_outputs[0] is { } given ? KernelWidths.Rows(given) : zeros(v.shape, v.dtype, v.device);
        var to = new SsdTargets(empty(q.shape, q.dtype, q.device), empty(k.shape, k.dtype, k.device), empty(v.shape, v.dtype, v.device));
        var own = new DplrKept(saved(8)!, saved(9)!, saved(10)!, saved(11)!);
        (Tensor da, Tensor db, Tensor dg, Tensor dstate) = DplrKernels.Backward(_device, Inputs(kept), own, dy, grad_outputs[1]?.contiguous(), to);
        return [to.Q, to.K, to.V, da, db, dg, kept[6] is null ? null : dstate, null];
    }

    private DplrInputs Inputs(Tensor?[] t) => new(t[0]!, t[1]!, t[2]!, t[3]!, t[4]!, t[5]!)
    {
        State = t[6],
        Ids = t[7],
        Reverse = _reverse,
    };
}
