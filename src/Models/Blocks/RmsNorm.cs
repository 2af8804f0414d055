using GenoSeq.Models.Kernels;
using GenoSeq.Models.Mixers;
using static GenoSeq.Torch.torch;
using Kernel = GenoSeq.Models.Kernels.RmsNorm;

namespace GenoSeq.Models.Blocks;

/// <summary>RMS norm (Zhang and Sennrich 2019): x * rsqrt(mean(x^2) + eps) * weight, over the last dimension.</summary>
public sealed class RmsNorm : StreamNorm
{
    /// <summary>Creates the norm with a weight of ones.</summary>
    public RmsNorm(int dModel, double eps) : base(dModel, eps)
    {
    }

    private protected override (Tensor Weight, Tensor? Bias) Parameters(bool mirrored) => (mirrored ? weight.flip(0) : weight, null);

    private protected override (Tensor Normed, Tensor Residual) OnHost(Tensor x, Tensor? residual, bool mirrored)
    {
        Tensor w = Parameters(mirrored).Weight;
        if (!TensorRows.OnKernels(x))
        {
            Tensor r = residual is null ? x : residual + x;
            return (r * r.square().mean([-1], true).add(Eps).rsqrt() * w, r);
        }

        Tensor?[] y = new AddNormFunction((float)Eps).apply(x, residual, w);
        return (y[0]!, y[1] ?? x);
    }

    private sealed unsafe class AddNormFunction(float eps) : autograd.Function
    {
        private bool _hasResidual;

        protected override string Name => "AddRmsNorm";

        protected override Tensor?[] forward(Tensor?[] inputs)
        {
            Tensor x = inputs[0]!.contiguous();
            Tensor? residual = inputs[1]?.contiguous();
            _hasResidual = residual is not null;
            Tensor y = empty_like(x);
            Tensor? sum = _hasResidual ? empty_like(x) : null;
            Tensor rstd = empty([x.numel() / x.size(-1)]);
            Kernel.Forward(
                new RmsNormInputs<float>
                {
                    Batch = 1,
                    Length = (int)rstd.numel(),
                    Channels = (int)x.size(-1),
                    X = Flat(x),
                    Residual = Flat(residual),
                    Weight = TensorRows.Dense(inputs[2]!.contiguous()),
                    Epsilon = eps,
                },
                new RmsNormOutputs<float> { Y = Flat(y), ResidualSum = Flat(sum), Rstd = TensorRows.Dense(rstd) });
            save_for_backward(sum ?? x, inputs[2]!.contiguous(), rstd);
            return [y, sum];
        }

        protected override Tensor?[] backward(Tensor?[] grad_outputs)
        {
            Tensor r = saved(0)!;
            Tensor? dy = grad_outputs[0]?.contiguous();
            Tensor? dr = grad_outputs[1]?.contiguous();
            if (dy is null)
            {
                return [dr, _hasResidual ? dr : null, null];
            }

            Tensor dx = empty_like(r);
            Tensor dw = empty_like(saved(1)!);
            Kernel.Backward(new RmsNormGradients<float>
            {
                Batch = 1,
                Length = (int)(r.numel() / r.size(-1)),
                Channels = (int)r.size(-1),
                ResidualSum = Flat(r),
                Weight = TensorRows.Dense(saved(1)),
                Rstd = TensorRows.Dense(saved(2)),
                DY = Flat(dy),
                DResidualSum = Flat(dr),
                DX = Flat(dx),
                DWeight = TensorRows.Dense(dw),
            });
            return [dx, _hasResidual ? dx : null, dw];
        }

        private static Rows<float> Flat(Tensor? t) =>
            t is null ? default : new Rows<float>((float*)t.data_ptr(), t.size(-1), t.numel());
    }
}
