using GenoSeq.Models.Blocks;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// A whole attention layer, add, norm, one product for queries, keys and values, rotation, <see cref="DeviceAttention"/>,
/// o_proj, as one differentiable operation with a backward pass by hand. The residual stream is single precision.
/// </summary>
/// <remarks>
/// Kept between the passes, in bytes per token with a 16-bit activation type, width d = d_model = n_head d_head and r = n_kv_head / n_head:
/// the residual stream 4 d always; the rotated heads 2 (1 + 2 r) d, the output 2 d and a log-sum-exp of 4 n_head unless
/// <see cref="LayerMemory.Recompute"/>. With d = 512 and r = 1 that is 2 KiB + 4 KiB: for 131,072 tokens 0.27 + 0.54 GB.
/// Attention is never computed again where anything else can be: at length 131,072 it is nine tenths of a step.
/// </remarks>
internal sealed class DeviceAttentionLayer : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly LayerSettings _settings;
    private readonly AttentionShape _shape;
    private readonly (Tensor Cos, Tensor Sin)? _angles;
    private readonly Tensor? _ids;
    private Tensor? _packed;
    private AttentionResult? _kept;
    private bool _hasResidual;

    private DeviceAttentionLayer(KernelDevice device, in LayerSettings settings, in AttentionShape shape, (Tensor, Tensor)? angles,
        Tensor? ids)
    {
        _device = device;
        _settings = settings;
        _shape = shape;
        _angles = angles;
        _ids = ids;
    }

    protected override string Name => "AttentionLayer";

    /// <summary>Runs the layer.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="x">The last layer's output [batch, length, d_model], activation type.</param>
    /// <param name="residual">f32 [batch, length, d_model], or null in the first layer.</param>
    /// <param name="norm">The layer's norm.</param>
    /// <param name="mixer">The projections; without biases.</param>
    /// <param name="shape">The mixer's.</param>
    /// <param name="settings">Numbers and policies.</param>
    /// <param name="ids">int32 [batch, length], or null.</param>
    /// <returns>The layer's output in the activation type, and the residual stream.</returns>
    internal static (Tensor Y, Tensor Residual) Run(KernelDevice device, Tensor x, Tensor? residual, RmsNorm norm, AttentionMixer mixer,
        in AttentionShape shape, in LayerSettings settings, Tensor? ids)
    {
        // Aliases that live as long as the graph does.
        (Tensor, Tensor)? angles = mixer.Angles(x.size(1), x.device) is var (cos, sin)
            ? (cos.DetachFromDisposeScope(), sin.DetachFromDisposeScope())
            : null;
        var layer = new DeviceAttentionLayer(device, settings, shape, angles, ids);
        Tensor?[] y = layer.apply(x, residual, norm.weight, mixer.QProj.weight, mixer.KProj.weight, mixer.VProj.weight, mixer.OProj.weight);
        return (y[0]!, y[1]!);
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        _hasResidual = inputs[1] is not null;
        bool keep = WillDifferentiate && _settings.Memory <= LayerMemory.KeepScan;
        var w = new Weights(inputs, _settings.Activation);
        (Tensor n, Tensor? sum, _) = NormKernels.Forward(_device, inputs[0]!.contiguous(), inputs[1]?.contiguous(), w.Norm,
            _settings.NormEps, _settings.Activation, true, false);
        Tensor packed = Project(n, w.Qkv);
        n.Dispose();
        AttentionResult attention = DeviceAttention.Forward(packed, _shape, _ids);
        if (keep)
        {
            _packed = packed.DetachFromDisposeScope();
            _kept = attention.Detach();
        }
        else
        {
            packed.Dispose();
        }

        Tensor y = Shaped(attention.Out, flat => DeviceGemm.Rows(flat, w.Out));
        save_for_backward([sum, .. inputs[2..]]);
        return [y, sum];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor sum = saved(0)!;
        var w = new Weights([null, null, saved(1), saved(2), saved(3), saved(4), saved(5)], _settings.Activation);
        Tensor dy = grad_outputs[0]?.contiguous() ?? zeros(sum.shape, _settings.Activation, sum.device);
        if (_kept is null)
        {
            (Tensor again, _, _) = NormKernels.Forward(_device, null, sum, w.Norm, _settings.NormEps, _settings.Activation, false, false);
            _packed = Project(again, w.Qkv);
            again.Dispose();
            _kept = DeviceAttention.Forward(_packed, _shape, _ids);
        }

        (Tensor dOut, Tensor dpacked) = AttentionBack(dy, w);
        _packed!.Dispose();
        _kept.Dispose();
        (Tensor n, _, Tensor? rstd) = NormKernels.Forward(_device, null, sum, w.Norm, _settings.NormEps, _settings.Activation, false, true);
        (Tensor dQkv, Tensor dn) = ProjectBack(dpacked, n, w.Qkv);
        dpacked.Dispose();
        n.Dispose();

        // The residual stream has one reader after this layer, so its gradient is ours to write into.
        (Tensor dsum, Tensor? dx, Tensor dnorm) = NormKernels.Backward(_device, sum, rstd, w.Norm, _settings.NormEps, dn,
            grad_outputs[1]?.contiguous(), inPlace: true, wantDH: NeedsInputGrad(0));
        long q = (long)_shape.Heads * _shape.DHead;
        long kv = (long)_shape.KvHeads * _shape.DHead;
        return [dx, _hasResidual ? dsum : null, dnorm, dQkv.narrow(0, 0, q), dQkv.narrow(0, q, kv), dQkv.narrow(0, q + kv, kv), dOut];
    }

    protected override void OnRelease()
    {
        _packed?.Dispose();
        _kept?.Dispose();
        _angles?.Cos.Dispose();
        _angles?.Sin.Dispose();
    }

    // Rotated heads [batch, length, n_head + 2 n_kv_head, d_head].
    private Tensor Project(Tensor n, Tensor qkv)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor packed = DeviceGemm.Rows(DeviceMambaCore.Flat(n), qkv).view(n.size(0), n.size(1), _shape.Packed, _shape.DHead);
        if (_angles is var (cos, sin))
        {
            // Queries and keys lie side by side: one tensor.
            Tensor turned = packed.narrow(2, 0, _shape.Heads + _shape.KvHeads);
            RopeKernels.Run(_device, turned, turned, null, null, cos, sin, inverse: false);
        }

        return packed.MoveToOuterDisposeScope();
    }

    // From the gradient of the layer's output to that of the packed product, and o_proj's.
    private (Tensor DOut, Tensor DPacked) AttentionBack(Tensor dy, in Weights w)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dOut = DeviceGemm.Gradient(DeviceMambaCore.Flat(dy), DeviceMambaCore.Flat(_kept!.Out));
        Tensor weight = w.Out;
        Tensor dattention = Shaped(dy, flat => DeviceGemm.Back(flat, weight));
        (Tensor dq, Tensor dk, Tensor dv) = DeviceAttention.Backward(_packed!, _shape, _ids, _kept, dattention);
        dattention.Dispose();
        Tensor dpacked = empty(_packed!.shape, _packed.dtype, _packed.device);
        _shape.V(dpacked).copy_(dv);
        if (_angles is var (cos, sin))
        {
            RopeKernels.Run(_device, dq, _shape.Q(dpacked), dk, _shape.K(dpacked), cos, sin, inverse: true);
        }
        else
        {
            _shape.Q(dpacked).copy_(dq);
            _shape.K(dpacked).copy_(dk);
        }

        return (dOut.MoveToOuterDisposeScope(), dpacked.MoveToOuterDisposeScope());
    }

    private static (Tensor DQkv, Tensor DN) ProjectBack(Tensor dpacked, Tensor n, Tensor qkv)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = dpacked.view(n.size(0) * n.size(1), -1);
        Tensor gradient = DeviceGemm.Gradient(flat, DeviceMambaCore.Flat(n));
        Tensor dn = DeviceGemm.Back(flat, qkv).view(n.shape);
        return (gradient.MoveToOuterDisposeScope(), dn.MoveToOuterDisposeScope());
    }

    // A product over flat rows [tokens, width], in the shape of its input.
    private static Tensor Shaped(Tensor t, Func<Tensor, Tensor> product)
    {
        using DisposeScope scope = NewDisposeScope();
        return product(DeviceMambaCore.Flat(t)).view(t.size(0), t.size(1), -1).MoveToOuterDisposeScope();
    }

    // The weights in the activation type; q, k and v one below the other.
    private readonly struct Weights
    {
        internal Weights(Tensor?[] inputs, ScalarType activation)
        {
            Norm = inputs[2]!;
            Qkv = cat([inputs[3]!, inputs[4]!, inputs[5]!]).to(activation);
            Out = inputs[6]!.to(activation);
        }

        internal Tensor Norm { get; }

        internal Tensor Qkv { get; }

        internal Tensor Out { get; }
    }
}
