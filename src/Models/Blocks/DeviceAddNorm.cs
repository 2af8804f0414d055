using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>
/// Addition to the residual stream and RMS norm on a device with kernels. The stream is single precision, the rest has the
/// activation type. Backward recomputes the norm's factor from the stream, which is all that is kept.
/// </summary>
internal sealed class DeviceAddNorm(KernelDevice device, double eps, ScalarType activation, bool keepSum) : autograd.Function
{
    private bool _hasResidual;

    /// <summary>The norm of a stream that is summed already, in the activation type, with nothing to be added: x null, and one output.</summary>
    internal Tensor OfSum(Tensor sum, Tensor weight) => apply(null, sum, weight)[0]!;

    protected override string Name => "AddRmsNorm";

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        _hasResidual = inputs[1] is not null;
        if (inputs[0] is null)
        {
            Tensor given = inputs[1]!.contiguous();
            save_for_backward(given, inputs[2]);
            return [NormKernels.Forward(device, null, given, inputs[2]!.contiguous(), eps, activation, false, false).Y];
        }

        (Tensor y, Tensor? sum, _) = NormKernels.Forward(device, inputs[0]!.contiguous(), inputs[1]?.contiguous(),
            inputs[2]!.contiguous(), eps, activation, keepSum || WillDifferentiate, false);
        save_for_backward(sum, inputs[2]);
        return [y, sum];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        if (grad_outputs[0] is not { } dy)
        {
            Tensor? only = grad_outputs.Length > 1 ? grad_outputs[1] : null;
            return [only?.to(activation), _hasResidual ? only : null, null];
        }

        (Tensor dsum, Tensor? dx, Tensor dweight) = NormKernels.Backward(device, saved(0)!, null, saved(1)!.contiguous(), eps,
            dy.contiguous(), grad_outputs.Length > 1 ? grad_outputs[1]?.contiguous() : null, inPlace: false, wantDH: NeedsInputGrad(0));
        return [dx, _hasResidual ? dsum : null, dweight];
    }
}
