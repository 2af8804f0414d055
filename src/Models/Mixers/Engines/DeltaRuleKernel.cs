using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// The delta rule by kernels, as one differentiable operation with a backward pass by hand. Kept between the passes besides the inputs: what was
/// written, the chunks' maps of states to it, and the states at the chunks' starts.
/// </summary>
internal sealed class DeltaRuleKernel : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly bool _reverse;

    private DeltaRuleKernel(KernelDevice device, bool reverse)
    {
        _device = device;
        _reverse = reverse;
    }

    protected override string Name => "DeltaRule";

    /// <summary>The device whose kernels take this, or null.</summary>
    internal static KernelDevice? Device(Tensor q, Tensor k, Tensor v, Tensor logDecay) =>
        logDecay.dtype == float32 && q.dtype == v.dtype && k.dtype == v.dtype && v.dtype is bfloat16 or float32 && q.size(3) <= KernelWidths.Max && v.size(1) > 0
            ? KernelDevices.Of(v)
            : null;

    /// <summary>Runs the recurrence; arguments are those of <see cref="DeltaRule.Run"/>.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="q">[batch, length, heads, n], n at most 128.</param>
    /// <param name="k">[batch, length, heads, n].</param>
    /// <param name="v">[batch, length, heads, p].</param>
    /// <param name="logDecay">f32 [batch, length, heads].</param>
    /// <param name="beta">f32 [batch, length, heads].</param>
    /// <param name="state">f32 [batch, heads, n, p], or null.</param>
    /// <param name="ids">int [batch, length], or null.</param>
    /// <param name="reverse">From the last position to the first; nothing is flipped.</param>
    internal static (Tensor Y, Tensor State) Run(KernelDevice device, Tensor q, Tensor k, Tensor v, Tensor logDecay, Tensor beta, Tensor? state, Tensor? ids,
        bool reverse = false)
    {
        (long n, long p) = (q.size(3), v.size(3));
        if (p > KernelWidths.Max)
        {
            // Columns of the state do not meet.
            Tensor[] vs = KernelWidths.Slabs(v, 3);
            Tensor?[] states = state is null ? new Tensor?[vs.Length] : KernelWidths.Slabs(state, 3);
            (Tensor Y, Tensor State)[] parts = [.. vs.Select((own, i) => Run(device, q, k, own, logDecay, beta, states[i], ids, reverse))];
            return (cat(Array.ConvertAll(parts, r => r.Y), 3), cat(Array.ConvertAll(parts, r => r.State), 3));
        }

        state = state is null ? null : KernelWidths.Filled(KernelWidths.Filled(state, 2), 3);
        Tensor?[] y = new DeltaRuleKernel(device, reverse).apply(KernelWidths.Filled(q, 3), KernelWidths.Filled(k, 3), KernelWidths.Filled(v, 3),
            logDecay, beta, state, ids);
        return (KernelWidths.Cut(y[0]!, 3, p), KernelWidths.Cut(KernelWidths.Cut(y[1]!, 2, n), 3, p));
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor?[] kept =
        [
            KernelWidths.Rows(inputs[0]!), KernelWidths.Rows(inputs[1]!), KernelWidths.Rows(inputs[2]!), inputs[3]!.contiguous(), inputs[4]!.contiguous(),
            inputs[5]?.contiguous(), inputs[6]?.to(int32).contiguous(),
        ];
        Tensor y = empty(kept[2]!.shape, kept[2]!.dtype, kept[2]!.device);
        (Tensor last, DeltaKept own) = DeltaKernels.Forward(_device, Inputs(kept), y);
        save_for_backward([.. kept, own.Written, own.W, own.States, own.Through]);
        return [y, last];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor?[] kept = [.. Enumerable.Range(0, 7).Select(saved)];
        (Tensor q, Tensor k, Tensor v) = (kept[0]!, kept[1]!, kept[2]!);
        Tensor dy = grad_outputs[0] is { } given ? KernelWidths.Rows(given) : zeros(v.shape, v.dtype, v.device);
        var to = new SsdTargets(empty(q.shape, q.dtype, q.device), empty(k.shape, k.dtype, k.device), empty(v.shape, v.dtype, v.device));
        var own = new DeltaKept(saved(7)!, saved(8)!, saved(9)!, saved(10)!);
        (Tensor dg, Tensor dbeta, Tensor dstate) = DeltaKernels.Backward(_device, Inputs(kept), own, dy, grad_outputs[1]?.contiguous(), to);
        return [to.Q, to.K, to.V, dg, dbeta, kept[5] is null ? null : dstate, null];
    }

    private DeltaInputs Inputs(Tensor?[] t) => new(t[0]!, t[1]!, t[2]!, t[3]!, t[4]!)
    {
        State = t[5],
        Ids = t[6],
        Reverse = _reverse,
    };
}
