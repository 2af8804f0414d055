using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
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
        logDecay.dtype == float32 && q.dtype == v.dtype && v.size(1) > 0 && SsdKernels.Takes(v.dtype, q.size(3), v.size(3)) ? KernelDevices.Of(v) : null;

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
        state = state is null ? null : Filled(Filled(state, 2), 3);
        Tensor?[] y = new ScalarDecayKernel(device, reverse).apply(Filled(q, 3), Filled(k, 3), Filled(v, 3), logDecay, scale, skip, state, ids);
        return (Cut(y[0]!, 3, p), Cut(Cut(y[1]!, 2, n), 3, p));
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor?[] kept =
        [
            Rows(inputs[0]!), Rows(inputs[1]!), Rows(inputs[2]!), inputs[3]!.contiguous(), inputs[4]?.contiguous(), inputs[5]?.to(float32).contiguous(),
            inputs[6]?.contiguous(), inputs[7]?.to(int32).contiguous(),
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
        Tensor dy = grad_outputs[0] is { } given ? Rows(given) : zeros(v.shape, v.dtype, v.device);
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

    // As it is where the kernels can read it so, else a copy.
    private static Tensor Rows(Tensor t)
    {
        long bytes = t.dtype.ElementSize();
        bool even = t.stride(3) == 1 && (t.size(2) == 1 || t.stride(2) == t.size(3)) && (t.size(0) == 1 || t.stride(0) == t.stride(1) * t.size(1))
            && t.stride(1) * bytes % 16 == 0 && (t.data_ptr() & 15) == 0;
        return even ? t : t.contiguous();
    }

    // Zeros up to a multiple of 16 change nothing.
    private static Tensor Filled(Tensor t, int dim)
    {
        long[] missing = t.shape;
        missing[dim] = (16 - (t.size(dim) % 16)) % 16;
        return missing[dim] == 0 ? t : cat([t, zeros(missing, t.dtype, t.device)], dim);
    }

    private static Tensor Cut(Tensor t, int dim, long width) => t.size(dim) == width ? t : t.narrow(dim, 0, width);
}
