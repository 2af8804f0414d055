#pragma warning disable
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;
namespace GenoSeq.Models.Kernels.Cuda;
internal static class NormKernels {
  internal static (Tensor Y, Tensor? Sum, Tensor? Rstd) Forward(KernelDevice device, Tensor? h, Tensor? residual, Tensor weight, double eps, ScalarType activation, bool keepSum, bool keepRstd) => throw new NotSupportedException();
  internal static (Tensor DSum, Tensor? DH, Tensor DWeight) Backward(KernelDevice device, Tensor sum, Tensor? rstd, Tensor weight, double eps, Tensor dy, Tensor? dSum, bool inPlace, bool wantDH) => throw new NotSupportedException();
}
internal sealed record ConvDirection(Tensor Weight, Tensor? Bias, bool Reverse, Tensor? Before);
internal sealed record ConvGradients(Tensor DWeight, Tensor? DBias, Tensor? DBefore);
internal static class ConvKernels {
  internal static Tensor[] Forward(KernelDevice device, Tensor x, ReadOnlySpan<ConvDirection> directions, Tensor? ids) => throw new NotSupportedException();
  internal static ConvGradients[] Backward(KernelDevice device, Tensor x, ReadOnlySpan<ConvDirection> directions, Tensor? ids, ReadOnlySpan<Tensor> du, Tensor dx) => throw new NotSupportedException();
}
internal static class GateKernels {
  internal static void Forward(KernelDevice device, Tensor y0, Tensor? y1, Tensor z, Tensor output, bool keepSum) => throw new NotSupportedException();
  internal static void Backward(KernelDevice device, Tensor dout, Tensor ysum, Tensor z, Tensor g, Tensor dz) => throw new NotSupportedException();
}
