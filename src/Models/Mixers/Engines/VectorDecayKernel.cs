using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E3 by kernels, as one differentiable operation with a backward pass by hand. Kept between the passes besides the inputs: the states
/// at the chunks' starts.
/// </summary>
internal sealed class VectorDecayKernel : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly bool _late;
    private readonly bool _reverse;

    private VectorDecayKernel(KernelDevice device, bool late, bool reverse)
    {
        _device = device;
        _late = late;
        _reverse = reverse;
    }

    protected override string Name => "VectorDecay";

    /// <summary>The device whose kernels take this, or null.</summary>
    internal static KernelDevice? Device(Tensor q, Tensor v, Tensor logDecay) =>
        logDecay.dtype == float32 && q.dtype == v.dtype && v.dtype is bfloat16 or float32 && v.size(1) > 0 ? KernelDevices.Of(v) : null;

    /// <summary>Runs the recurrence; arguments are those of <see cref="VectorDecay.Run"/>.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="q">[batch, length, heads, n].</param>
    /// <param name="k">[batch, length, heads, n].</param>
    /// <param name="v">[batch, length, heads, p].</param>
    /// <param name="logDecay">f32 [batch, length, heads, n].</param>
    /// <param name="state">f32 [batch, heads, n, p], or null.</param>
    /// <param name="ids">int [batch, length], or null.</param>
    /// <param name="late">y_t reads S_(t-1) in place of S_t.</param>
    /// <param name="reverse">From the last position to the first; nothing is flipped.</param>
    internal static (Tensor Y, Tensor State) Run(KernelDevice device, Tensor q, Tensor k, Tensor v, Tensor logDecay, Tensor? state, Tensor? ids,
        bool late, bool reverse = false)
    {
        (long n, long p) = (q.size(3), v.size(3));
        if (n > KernelWidths.Max)
        {
            // Outputs are sums over the keys' columns, states lie side by side.
            (Tensor[] qs, Tensor[] ks, Tensor[] gs) = (KernelWidths.Slabs(q, 3), KernelWidths.Slabs(k, 3), KernelWidths.Slabs(logDecay, 3));
            Tensor?[] states = state is null ? new Tensor?[qs.Length] : KernelWidths.Slabs(state, 2);
            (Tensor Y, Tensor State)[] parts = [.. qs.Select((own, i) => Run(device, own, ks[i], v, gs[i], states[i], ids, late, reverse))];
            return (parts.Select(r => r.Y).Aggregate((a, b) => a + b), cat(Array.ConvertAll(parts, r => r.State), 2));
        }

        if (p > KernelWidths.Max)
        {
            Tensor[] vs = KernelWidths.Slabs(v, 3);
            Tensor?[] states = state is null ? new Tensor?[vs.Length] : KernelWidths.Slabs(state, 3);
            (Tensor Y, Tensor State)[] parts = [.. vs.Select((own, i) => Run(device, q, k, own, logDecay, states[i], ids, late, reverse))];
            return (cat(Array.ConvertAll(parts, r => r.Y), 3), cat(Array.ConvertAll(parts, r => r.State), 3));
        }

        state = state is null ? null : KernelWidths.Filled(KernelWidths.Filled(state, 2), 3);
        Tensor?[] y = new VectorDecayKernel(device, late, reverse).apply(KernelWidths.Filled(q, 3), KernelWidths.Filled(k, 3), KernelWidths.Filled(v, 3),
            KernelWidths.Filled(logDecay, 3), state, ids);
        return (KernelWidths.Cut(y[0]!, 3, p), KernelWidths.Cut(KernelWidths.Cut(y[1]!, 2, n), 3, p));
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor?[] kept =
        [
            KernelWidths.Rows(inputs[0]!), KernelWidths.Rows(inputs[1]!), KernelWidths.Rows(inputs[2]!), inputs[3]!.contiguous(), inputs[4]?.contiguous(),
            inputs[5]?.to(int32).contiguous(),
        ];
        Tensor y = empty(kept[2]!.shape, kept[2]!.dtype, kept[2]!.device);
        (Tensor last, SsdStates states) = GlaKernels.Forward(_device, Inputs(kept), y);
        save_for_backward([.. kept, states.Entering, states.Through]);
        return [y, last];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor?[] kept = [.. Enumerable.Range(0, 6).Select(saved)];
        (Tensor q, Tensor k, Tensor v) = (kept[0]!, kept[1]!, kept[2]!);
        Tensor dy = grad_outputs[0] is { } given ? KernelWidths.Rows(given) : zeros(v.shape, v.dtype, v.device);
        var to = new SsdTargets(empty(q.shape, q.dtype, q.device), empty(k.shape, k.dtype, k.device), empty(v.shape, v.dtype, v.device));
        (Tensor dg, Tensor dstate) = GlaKernels.Backward(_device, Inputs(kept), new SsdStates(saved(6)!, saved(7)!), dy, grad_outputs[1]?.contiguous(), to);
        return [to.Q, to.K, to.V, dg, kept[4] is null ? null : dstate, null];
    }

    private GlaInputs Inputs(Tensor?[] t) => new(t[0]!, t[1]!, t[2]!, t[3]!)
    {
        State = t[4],
        Ids = t[5],
        Late = _late,
        Reverse = _reverse,
    };
}
