using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>
/// Addition to the residual stream and RMS norm or LayerNorm on a device with kernels. The stream is single precision, the rest has the
/// activation type. Backward recomputes the norm's factors from the stream, which is all that is kept.
/// Inputs: x, residual, weight, and LayerNorm's bias or null.
/// </summary>
internal sealed class DeviceAddNorm(KernelDevice device, double eps, ScalarType activation, bool keepSum) : autograd.Function
{
    private bool _hasResidual;

    /// <summary>The norm of a stream that is summed already, in the activation type, with nothing to be added: x null, and one output.</summary>
    internal Tensor OfSum(Tensor sum, Tensor weight, Tensor? bias) => apply(null, sum, weight, bias)[0]!;

    protected override string Name => "AddRmsNorm";

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        _hasResidual = inputs[1] is not null;
        if (inputs[0] is null)
        {
            Tensor given = inputs[1]!.contiguous();
            save_for_backward(given, inputs[2], inputs[3]);
            return [NormKernels.Forward(device, null, given, inputs[2]!.contiguous(), eps, activation, false, false, inputs[3]?.contiguous()).Y];
        }

        (Tensor y, Tensor? sum, _) = NormKernels.Forward(device, inputs[0]!.contiguous(), inputs[1]?.contiguous(),
            inputs[2]!.contiguous(), eps, activation, keepSum || WillDifferentiate, false, inputs[3]?.contiguous());
        save_for_backward(sum, inputs[2], inputs[3]);
        return [y, sum];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        if (grad_outputs[0] is not { } dy)
        {
            Tensor? only = grad_outputs.Length > 1 ? grad_outputs[1] : null;
            return [only?.to(activation), _hasResidual ? only : null, null, null];
        }

        (Tensor dsum, Tensor? dx, Tensor dweight) = NormKernels.Backward(device, saved(0)!, null, saved(1)!.contiguous(), eps,
            dy.contiguous(), grad_outputs.Length > 1 ? grad_outputs[1]?.contiguous() : null, inPlace: false, wantDH: NeedsInputGrad(0), saved(2)?.contiguous());
        Tensor[] d = saved(2) is null ? [dweight] : dweight.chunk(2);
        return [dx, _hasResidual ? dsum : null, d[0], d.Length > 1 ? d[1] : null];
    }
}
