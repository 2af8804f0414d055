using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>The end of many recurrent mixers: RMS norm of each head, then a gate, as one operation where kernels take it.</summary>
internal sealed class NormGate : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly double _eps;
    private readonly bool _silu;

    private NormGate(KernelDevice device, double eps, bool silu)
    {
        _device = device;
        _eps = eps;
        _silu = silu;
    }

    protected override string Name => "NormGate";

    /// <summary>The device whose kernels take this, or null.</summary>
    internal static KernelDevice? Device(Tensor y, Tensor z, Tensor? weight) =>
        y.dim() == 4 && z.dtype == y.dtype && (weight is null || weight.dtype == float32) && y.numel() > 0 && NormGateKernels.Takes(y.dtype, y.size(3))
            ? KernelDevices.Of(y) : null;

    /// <summary>norm(y) weight f(z), f = silu or sigmoid.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="y">[batch, length, heads, width].</param>
    /// <param name="z">[batch, length, heads * width].</param>
    /// <param name="weight">[width], or null.</param>
    /// <param name="eps">Of the norm.</param>
    /// <param name="silu">Else sigmoid.</param>
    /// <returns>[batch, length, heads * width].</returns>
    internal static Tensor Run(KernelDevice device, Tensor y, Tensor z, Tensor? weight, double eps, bool silu) =>
        new NormGate(device, eps, silu).apply(y, z, weight)[0]!;

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor y = inputs[0]!.contiguous();
        Tensor z = KernelWidths.Rows(inputs[1]!.view(y.size(0), y.size(1), 1, -1)).flatten(2);
        Tensor? weight = inputs[2]?.contiguous();
        save_for_backward(y, z, weight);
        return [NormGateKernels.Forward(_device, y, z, weight, _eps, _silu)];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor z = saved(1)!;
        Tensor dz = empty(z.shape, z.dtype, z.device);
        (Tensor dy, Tensor? dWeight) = NormGateKernels.Backward(_device, saved(0)!, z, saved(2), _eps, _silu, grad_outputs[0]!.contiguous(), dz);
        return [dy, dz, dWeight];
    }
}
