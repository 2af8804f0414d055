using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>Engine E1 by kernels over the whole length, real or complex, as one differentiable operation. Kept between the passes: the factors and the states.</summary>
internal sealed class DiagonalScanKernel : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly long? _positions;

    private DiagonalScanKernel(KernelDevice device, long? positions)
    {
        _device = device;
        _positions = positions;
    }

    protected override string Name => "DiagonalScan";

    /// <summary>The device whose kernels take this, or null.</summary>
    /// <param name="x">What is added at each position.</param>
    /// <param name="factors">Everything else that has to be in single precision.</param>
    internal static KernelDevice? Device(Tensor x, params ReadOnlySpan<Tensor?> factors)
    {
        foreach (Tensor? t in factors)
        {
            if (t is not null && t.dtype != float32) return null;
        }

        return x.dtype == float32 && x.numel() > 0 ? KernelDevices.Of(x) : null;
    }

    /// <summary>The real recurrence; arguments are those of <see cref="DiagonalScan.Run"/>.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="a">f32 [batch, length, channels]; a view that repeats numbers is read as it is.</param>
    /// <param name="x">f32 [batch, length, channels].</param>
    /// <param name="state">f32 [batch, channels], or null.</param>
    /// <param name="ids">int [batch, length], or null.</param>
    /// <param name="positions">Positions of a segment; null: by the device.</param>
    internal static (Tensor H, Tensor Last) Run(KernelDevice device, Tensor a, Tensor x, Tensor? state, Tensor? ids, long? positions = null) =>
        Apply(device, positions, a, null, null, x, state, ids);

    /// <summary>The complex recurrence; arguments are those of <see cref="RotatingScan.Run"/>.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="logRadius">f32 [channels].</param>
    /// <param name="angle">f32 [channels].</param>
    /// <param name="x">f32 [batch, length, 2 channels].</param>
    /// <param name="state">f32 [batch, 2 channels], or null.</param>
    /// <param name="ids">int [batch, length], or [batch, 1 + length] beginning one position earlier, or null.</param>
    /// <param name="positions">Positions of a segment; null: by the device.</param>
    internal static (Tensor H, Tensor Last) Rotate(KernelDevice device, Tensor logRadius, Tensor angle, Tensor x, Tensor? state, Tensor? ids, long? positions = null) =>
        Apply(device, positions, null, logRadius, angle, x, state, ids);

    private static (Tensor H, Tensor Last) Apply(KernelDevice device, long? positions, params Tensor?[] inputs)
    {
        Tensor?[] y = new DiagonalScanKernel(device, positions).apply(inputs);
        return (y[0]!, y[1]!);
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor?[] kept = [inputs[0], inputs[1]?.contiguous(), inputs[2]?.contiguous(), inputs[4]?.contiguous(), inputs[5]?.to(int32).contiguous()];
        (Tensor h, Tensor last) = DiagonalScanKernels.Forward(_device, Inputs(inputs[3]!.contiguous(), kept));
        save_for_backward([.. kept, h]);
        return [h, last];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor?[] kept = [.. Enumerable.Range(0, 5).Select(saved)];
        Tensor h = saved(5)!;
        Tensor dh = grad_outputs[0]?.contiguous() ?? zeros_like(h);
        (Tensor dx, Tensor dstate, Tensor factors) = DiagonalScanKernels.Backward(_device, Inputs(h, kept), h, dh, grad_outputs[1]?.contiguous());
        bool real = kept[0] is not null;
        return
        [
            real ? factors : null, real ? null : factors.select(0, 0), real ? null : factors.select(0, 1), dx, kept[3] is null ? null : dstate, null,
        ];
    }

    // On the way back only x's shape is read.
    private DiagonalScanInputs Inputs(Tensor x, Tensor?[] t) => new(x)
    {
        A = t[0],
        LogRadius = t[1],
        Angle = t[2],
        State = t[3],
        Ids = t[4],
        Positions = _positions,
    };
}
