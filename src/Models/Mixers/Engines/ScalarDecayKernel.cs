using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E2 by kernels, as one differentiable operation with a backward pass by hand. Kept between the passes besides the inputs: the states
/// at the chunks' starts.
/// </summary>
internal sealed class ScalarDecayKernel : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly bool _reverse;

    private ScalarDecayKernel(KernelDevice device, bool reverse)
    {
        _device = device;
        _reverse = reverse;
    }

    protected override string Name => "ScalarDecay";

    /// <summary>The device whose kernels take this, or null.</summary>
    internal static KernelDevice? Device(Tensor q, Tensor v, Tensor logDecay) =>
        logDecay.dtype == float32 && q.dtype == v.dtype && v.dtype is bfloat16 or float32 && v.size(1) > 0 ? KernelDevices.Of(v) : null;

    /// <summary>Runs the recurrence; arguments are those of <see cref="ScalarDecay.Run"/>.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="q">[batch, length, groups, n].</param>
    /// <param name="k">[batch, length, groups, n].</param>
    /// <param name="v">[batch, length, heads, p].</param>
    /// <param name="logDecay">f32 [batch, length, heads].</param>
    /// <param name="state">f32 [batch, heads, n, p], or null.</param>
    /// <param name="ids">int [batch, length], or null.</param>
    /// <param name="scale">f32 [batch, length, heads], or null.</param>
    /// <param name="skip">f32 [heads], or null.</param>
    /// <param name="reverse">From the last position to the first; nothing is flipped.</param>
    internal static (Tensor Y, Tensor State) Run(KernelDevice device, Tensor q, Tensor k, Tensor v, Tensor logDecay, Tensor? state, Tensor? ids,
        Tensor? scale, Tensor? skip, bool reverse = false)
    {
        (long n, long p) = (q.size(3), v.size(3));
        if (n > KernelWidths.Max)
        {
            // Outputs are sums over the keys' columns, states lie side by side.
            (Tensor[] qs, Tensor[] ks) = (KernelWidths.Slabs(q, 3), KernelWidths.Slabs(k, 3));
            Tensor?[] states = state is null ? new Tensor?[qs.Length] : KernelWidths.Slabs(state, 2);
            (Tensor Y, Tensor State)[] parts =
                [.. qs.Select((own, i) => Run(device, own, ks[i], v, logDecay, states[i], ids, scale, i == 0 ? skip : null, reverse))];
            return (parts.Select(r => r.Y).Aggregate((a, b) => a + b), cat(Array.ConvertAll(parts, r => r.State), 2));
        }

        if (p > KernelWidths.Max)
        {
            Tensor[] vs = KernelWidths.Slabs(v, 3);
            Tensor?[] states = state is null ? new Tensor?[vs.Length] : KernelWidths.Slabs(state, 3);
            (Tensor Y, Tensor State)[] parts = [.. vs.Select((own, i) => Run(device, q, k, own, logDecay, states[i], ids, scale, skip, reverse))];
            return (cat(Array.ConvertAll(parts, r => r.Y), 3), cat(Array.ConvertAll(parts, r => r.State), 3));
        }

        state = state is null ? null : KernelWidths.Filled(KernelWidths.Filled(state, 2), 3);
        Tensor?[] y = new ScalarDecayKernel(device, reverse).apply(KernelWidths.Filled(q, 3), KernelWidths.Filled(k, 3), KernelWidths.Filled(v, 3),
            logDecay, scale, skip, state, ids);
        return (KernelWidths.Cut(y[0]!, 3, p), KernelWidths.Cut(KernelWidths.Cut(y[1]!, 2, n), 3, p));
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor?[] kept =
        [
            KernelWidths.Rows(inputs[0]!), KernelWidths.Rows(inputs[1]!), KernelWidths.Rows(inputs[2]!), inputs[3]!.contiguous(), inputs[4]?.contiguous(),
            inputs[5]?.to(float32).contiguous(), inputs[6]?.contiguous(), inputs[7]?.to(int32).contiguous(),
        ];
        Tensor y = empty(kept[2]!.shape, kept[2]!.dtype, kept[2]!.device);
        (Tensor last, SsdStates states) = SsdKernels.Forward(_device, Inputs(kept), y);
        save_for_backward([.. kept, states.Entering, states.Through]);
        return [y, last];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor?[] kept = [.. Enumerable.Range(0, 8).Select(saved)];
        (Tensor q, Tensor k, Tensor v) = (kept[0]!, kept[1]!, kept[2]!);
        Tensor dy = grad_outputs[0] is { } given ? KernelWidths.Rows(given) : zeros(v.shape, v.dtype, v.device);
        var to = new SsdTargets(empty(q.shape, q.dtype, q.device), empty(k.shape, k.dtype, k.device), empty(v.shape, v.dtype, v.device));
        SsdGradients g = SsdKernels.Backward(_device, Inputs(kept), new SsdStates(saved(8)!, saved(9)!), dy, grad_outputs[1]?.contiguous(), to);
        return [to.Q, to.K, to.V, g.G, g.Scale, g.Skip, kept[6] is null ? null : g.State, null];
    }

    private SsdInputs Inputs(Tensor?[] t) => new(t[0]!, t[1]!, t[2]!, t[3]!)
    {
        Scale = t[4],
        Skip = t[5],
        State = t[6],
        Ids = t[7],
        Reverse = _reverse,
    };
}
