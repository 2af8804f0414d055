using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>Queries and keys brought to length 1, as one operation where kernels take it: one pass over both, and one back.</summary>
internal sealed class UnitHeads : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly long _heads;
    private readonly double _scale;
    private readonly double _eps;

    private UnitHeads(KernelDevice device, long heads, double scale, double eps)
    {
        _device = device;
        _heads = heads;
        _scale = scale;
        _eps = eps;
    }

    protected override string Name => "UnitHeads";

    /// <summary>The device whose kernels take heads of this width, or null.</summary>
    internal static KernelDevice? Device(Tensor x, long width) => x.numel() > 0 && UnitKernels.Takes(x.dtype, width) ? KernelDevices.Of(x) : null;

    /// <summary>x / sqrt(sum(x^2) + eps) over each head, queries times a scale.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="x">[batch, length, 2 heads * width]: queries, then keys.</param>
    /// <param name="heads">Heads of queries.</param>
    /// <param name="scale">Factor of queries.</param>
    /// <param name="eps">Added to the sum of squares.</param>
    /// <returns>[batch, length, heads, width] each, in x's type.</returns>
    internal static (Tensor Q, Tensor K) Run(KernelDevice device, Tensor x, long heads, double scale, double eps)
    {
        Tensor?[] y = new UnitHeads(device, heads, scale, eps).apply(x);
        return (y[0]!, y[1]!);
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor x = KernelWidths.Rows(inputs[0]!.unsqueeze(2)).squeeze(2);
        save_for_backward(x);
        (Tensor q, Tensor k) = UnitKernels.Forward(_device, x, _heads, _scale, _eps);
        return [q, k];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor x = saved(0)!;
        long[] shape = [x.size(0), x.size(1), _heads, x.size(2) / (2 * _heads)];
        Tensor Dense(Tensor? given) => given?.contiguous() ?? zeros(shape, x.dtype, x.device);
        return [UnitKernels.Backward(_device, x, _heads, _scale, _eps, Dense(grad_outputs[0]), Dense(grad_outputs[1]))];
    }
}
