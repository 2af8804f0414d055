using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// <see cref="DeviceMambaCore"/> as one differentiable operation on xz, for mixers whose projections stay libtorch's (untied
/// projections, "ew_multiply", single positions).
/// </summary>
internal sealed class DeviceMambaScan : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly bool[] _reverse;
    private readonly Tensor? _ids;
    private readonly MambaState[]? _states;
    private readonly ScalarType _activation;
    private readonly ProjectionNorms? _norms;
    private CoreActivations? _kept;

    private DeviceMambaScan(KernelDevice device, bool[] reverse, MambaState[]? states, Tensor? ids, ScalarType activation, ProjectionNorms? norms)
    {
        _norms = norms;
        _device = device;
        _reverse = reverse;
        _states = states;
        _ids = ids;
        _activation = activation;
    }

    protected override string Name => "MambaScan";

    /// <summary>Runs the directions on xz [batch, length, 2D], from states if they are given, and adds their gated outputs, in xz's type.</summary>
    internal static Tensor Run(KernelDevice device, Tensor xz, MambaState[]? states, Tensor? ids, ScalarType compute,
        (MambaDirection Parameters, bool Reverse)[] directions)
    {
        Tensor?[] inputs = [xz, .. directions.SelectMany(d => d.Parameters.Inner())];
        bool[] reverse = Array.ConvertAll(directions, d => d.Reverse);
        return new DeviceMambaScan(device, reverse, states, ids, compute, directions[0].Parameters.Norms).apply(inputs)[0]!;
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor xz = inputs[0]!.to(_activation).contiguous();
        DeviceDirection[] directions = Directions(inputs);
        try
        {
            (Tensor gated, CoreActivations? kept) = DeviceMambaCore.Forward(_device, xz, directions, _ids, WillDifferentiate, false, _states);
            _kept = kept?.Detach();
            save_for_backward([xz, .. inputs[1..]]);
            return [inputs[0]!.dtype == gated.dtype ? gated : gated.to(inputs[0]!.dtype)];
        }
        finally
        {
            Array.ForEach(directions, d => d.Dispose());
        }
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        int n = 1 + (DeviceDirection.Count * _reverse.Length);
        var inputs = new Tensor?[n];
        for (int k = 0; k < n; k++)
        {
            inputs[k] = saved(k);
        }

        var gradients = new Tensor?[n];
        if (grad_outputs[0] is not { } dout)
        {
            return gradients;
        }

        DeviceDirection[] directions = Directions(inputs);
        try
        {
            Tensor dgated = dout.to(_activation).contiguous();
            Tensor g = empty_like(dgated);
            Tensor dxz = DeviceMambaCore.Ungate(_device, inputs[0]!, _kept!, dgated, g, false);
            _kept!.Sum.Dispose();
            DirectionGradients[] own = DeviceMambaCore.Backward(_device, inputs[0]!, directions, _ids, _kept, g, dxz);
            gradients[0] = dxz.dtype == dout.dtype ? dxz : dxz.to(dout.dtype);
            for (int k = 0; k < own.Length; k++)
            {
                own[k].ToArray().CopyTo(gradients, 1 + (k * DeviceDirection.Count));
            }

            return gradients;
        }
        finally
        {
            Array.ForEach(directions, d => d.Dispose());
        }
    }

    protected override void OnRelease() => _kept?.Dispose();

    private DeviceDirection[] Directions(Tensor?[] inputs)
    {
        var result = new DeviceDirection[_reverse.Length];
        for (int k = 0; k < result.Length; k++)
        {
            result[k] = new DeviceDirection(inputs.AsSpan(1 + (k * DeviceDirection.Count), DeviceDirection.Count), _reverse[k], _activation, _norms);
        }

        return result;
    }
}
