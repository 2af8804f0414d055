using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Losses;

/// <summary>
/// Output projection and cross-entropy on a device with kernels. Gradients are made in the forward pass, while the hidden
/// states are at hand, so that logits exist neither between the passes nor where there is no target. The differentiable sum holds the
/// z-loss, the numbers do not.
/// </summary>
internal sealed class DeviceHeadLoss(KernelDevice device, Tensor? complement, Tensor targets, Tensor? weights, double scale,
    HeadOptions options)
    : autograd.Function
{
    private Tensor? _hidden;
    private Tensor? _weight;

    protected override string Name => "HeadLoss";

    internal Tensor Numbers { get; private set; } = null!;

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        HeadLossResult r = HeadLossKernels.ForwardBackward(device, inputs[0]!.contiguous(), complement, targets.size(0), targets.size(1),
            inputs[1]!.contiguous(), targets.to(int32).contiguous(), weights?.contiguous(), scale, WillDifferentiate,
            options: options);
        _hidden = r.DHidden?.DetachFromDisposeScope();
        _weight = r.DWeight?.DetachFromDisposeScope();
        Numbers = r.Totals.MoveToOuterDisposeScope();
        Tensor sum = r.Totals.select(0, 0);
        return [(options.None ? sum : sum + r.Totals.select(0, 4)).mul(scale).to(float32)];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        if (grad_outputs[0] is not { } g)
        {
            return [null, null];
        }

        return [_hidden!.mul_(g), _weight!.mul_(g)];
    }

    protected override void OnRelease()
    {
        _hidden?.Dispose();
        _weight?.Dispose();
    }
}
