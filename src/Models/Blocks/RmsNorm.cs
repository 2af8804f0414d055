using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers;
using static GenoSeq.Torch.torch;
using Kernel = GenoSeq.Models.Kernels.RmsNorm;

namespace GenoSeq.Models.Blocks;

/// <summary>RMS norm (Zhang and Sennrich 2019): x * rsqrt(mean(x^2) + eps) * weight, over the last dimension.</summary>
public sealed class RmsNorm : nn.Module
{
    private readonly double _eps;

    /// <summary>Creates the norm with a weight of ones.</summary>
    public RmsNorm(int dModel, double eps)
    {
        _eps = eps;
        weight = register_parameter("weight", new nn.Parameter(ones([dModel])) { NoWeightDecay = true });
    }

    /// <summary>[d_model].</summary>
    public nn.Parameter weight { get; }

    internal double Eps => _eps;

    /// <summary>Adds x to the residual and normalises the sum, in one pass.</summary>
    /// <param name="x">[..., d_model].</param>
    /// <param name="residual">The same shape, or null for none.</param>
    /// <param name="mirrored">Channels are reversed.</param>
    /// <returns>The normalised sum, and the sum.</returns>
    public (Tensor Normed, Tensor Residual) AddNorm(Tensor x, Tensor? residual, bool mirrored)
    {
        (Tensor normed, Tensor? sum) = AddNorm(x, residual, mirrored, true);
        return (normed, sum!);
    }

    /// <summary>Adds x to the residual and normalises the sum, which nobody reads further.</summary>
    internal Tensor Last(Tensor x, Tensor? residual, bool mirrored = false) => AddNorm(x, residual, mirrored, false).Normed;

    /// <summary>Normalises a residual stream without gradients.</summary>
    /// <param name="sum">[..., d_model], single precision or the activation type.</param>
    /// <param name="mirrored">Channels are reversed.</param>
    /// <param name="activation">Type of the result on a device with kernels.</param>
    internal Tensor OfSum(Tensor sum, bool mirrored, Torch.ScalarType activation)
    {
        if (KernelDevices.Of(sum) is not { } device || sum.size(-1) % 8 != 0 || sum.size(-1) > NormKernels.MaxWidth)
        {
            return AddNorm(sum, null, mirrored, false).Normed;
        }

        Tensor w = mirrored ? weight.flip(0) : weight;
        return (sum.dtype == activation
            ? NormKernels.Forward(device, sum, null, w, _eps, activation, false, false)
            : NormKernels.Forward(device, null, sum, w, _eps, activation, false, false)).Y;
    }

    /// <summary>Normalises a residual stream, differentiably; the result has the activation type on a device with kernels.</summary>
    /// <param name="sum">[..., d_model], single precision or the activation type.</param>
    /// <param name="mirrored">Channels are reversed.</param>
    /// <param name="activation">Type of the result there.</param>
    internal Tensor OfStream(Tensor sum, bool mirrored, Torch.ScalarType activation) =>
        sum.dtype != activation && KernelDevices.Of(sum) is { } device && sum.size(-1) % 8 == 0 && sum.size(-1) <= NormKernels.MaxWidth
            ? new DeviceAddNorm(device, _eps, activation, false).OfSum(sum, mirrored ? weight.flip(0) : weight)
            : AddNorm(sum, null, mirrored, false).Normed;

    private (Tensor Normed, Tensor? Residual) AddNorm(Tensor x, Tensor? residual, bool mirrored, bool keepSum)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor w = mirrored ? weight.flip(0) : weight;
        if (KernelDevices.Of(x) is { } device && x.dtype is bfloat16 or float32 && x.size(-1) % 8 == 0
            && x.size(-1) <= NormKernels.MaxWidth)
        {
            Tensor?[] normed = new DeviceAddNorm(device, _eps, x.dtype, keepSum).apply(x, residual, w);
            return (normed[0]!, normed[1]);
        }

        if (!TensorRows.OnKernels(x))
        {
            Tensor r = residual is null ? x : residual + x;
            return (r * r.square().mean([-1], true).add(_eps).rsqrt() * w, r);
        }

        Tensor?[] y = new AddNormFunction((float)_eps).apply(x, residual, w);
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
