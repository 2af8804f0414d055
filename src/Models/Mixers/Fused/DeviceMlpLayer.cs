using GenoSeq.Models.Blocks;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// The MLP branch of a layer, add, norm, one product for gate and up, gated product, down, as one differentiable operation
/// with a backward pass by hand. The residual stream is single precision.
/// </summary>
/// <remarks>
/// <para>Kept between the passes, in bytes per token with a 16-bit activation type: the residual stream 4 d_model always; gate and up
/// 4 d_ff under <see cref="LayerMemory.Keep"/> only, since the product that makes them is a quarter of the branch's arithmetic and
/// its result the largest tensor of a layer. With d_model 512 and d_ff 1408 that is 2 KiB + 5.5 KiB: for 131,072 tokens
/// 0.27 + 0.74 GB.</para>
/// <para>A transformer of 8 such layers, with 0.41 GB of parameters, gradients and optimizer: kept whole 8 (0.27 + 0.54 + 0.27 + 0.74) = 14.5 GB
/// and about 1.5 GB of temporaries; with <see cref="LayerMemory.KeepScan"/> 8 (0.27 + 0.54 + 0.27) = 8.6 GB, in all under 11 GB,
/// for 8 products of 0.38 TFLOP, 5 ms of a step on an H100; with <see cref="LayerMemory.Recompute"/> 4.3 GB, but attention twice.
/// Hence the default of attention layers is <see cref="LayerMemory.KeepScan"/>.</para>
/// <para>Both passes go by slices of tokens, whatever is kept: temporaries do not grow, and the bits are the same.</para>
/// </remarks>
internal sealed class DeviceMlpLayer : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly LayerSettings _settings;
    private Tensor? _packed;
    private bool _hasResidual;

    private DeviceMlpLayer(KernelDevice device, in LayerSettings settings)
    {
        _device = device;
        _settings = settings;
    }

    /// <summary>Tokens of a slice: products of fewer rows are slower by up to a tenth.</summary>
    internal static long SliceTokens { get; set; } = 1 << 16;

    protected override string Name => "MlpLayer";

    /// <summary>Runs the branch.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="x">The mixer's output [batch, length, d_model], activation type.</param>
    /// <param name="residual">f32 [batch, length, d_model].</param>
    /// <param name="norm">The branch's norm.</param>
    /// <param name="mlp">The projections; without biases.</param>
    /// <param name="settings">Numbers and policies.</param>
    /// <returns>The branch's output in the activation type, and the residual stream.</returns>
    internal static (Tensor Y, Tensor Residual) Run(KernelDevice device, Tensor x, Tensor? residual, RmsNorm norm, SwiGlu mlp,
        in LayerSettings settings)
    {
        Tensor?[] y = new DeviceMlpLayer(device, settings).apply(x, residual, norm.weight, mlp.Gate.weight, mlp.Up.weight, mlp.Down.weight);
        return (y[0]!, y[1]!);
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        _hasResidual = inputs[1] is not null;
        var w = new Weights(inputs, _settings);
        (Tensor n, Tensor? sum, _) = NormKernels.Forward(_device, inputs[0]!.contiguous(), inputs[1]?.contiguous(), w.Norm,
            _settings.NormEps, _settings.Activation, true, false);
        Tensor y = empty(n.shape, n.dtype, n.device);
        bool keep = WillDifferentiate && _settings.Memory <= LayerMemory.Keep;
        _packed = keep ? empty([n.size(0) * n.size(1), w.GateUp.size(0)], n.dtype, n.device).DetachFromDisposeScope() : null;
        foreach ((long first, long count) in Slices(n))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor packed = Pack(n, w, first, count);
            DeviceGemm.RowsInto(SwiGluKernels.Forward(_device, packed), w.Down, Part(y, first, count));
        }

        save_for_backward([sum, .. inputs[2..]]);
        return [y, sum];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor sum = saved(0)!;
        var w = new Weights([null, null, saved(1), saved(2), saved(3), saved(4)], _settings);
        Tensor dy = grad_outputs[0]?.contiguous() ?? zeros(sum.shape, _settings.Activation, sum.device);
        (Tensor n, _, Tensor? rstd) = NormKernels.Forward(_device, null, sum, w.Norm, _settings.NormEps, _settings.Activation, false, true);
        Tensor dn = empty(n.shape, n.dtype, n.device);
        Tensor? dGateUp = null;
        Tensor? dDown = null;
        bool kept = _packed is not null;
        foreach ((long first, long count) in Slices(n))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor packed = kept ? _packed!.narrow(0, first, count) : Pack(n, w, first, count);
            (Tensor up, Tensor down) = SliceBack(packed, Part(n, first, count), Part(dn, first, count), Part(dy, first, count), w);
            Collect(ref dGateUp, up);
            Collect(ref dDown, down);
        }

        _packed?.Dispose();
        n.Dispose();

        // The residual stream has one reader after this layer, so its gradient is ours to write into.
        (Tensor dsum, Tensor? dx, Tensor dnorm) = NormKernels.Backward(_device, sum, rstd, w.Norm, _settings.NormEps, dn,
            grad_outputs[1]?.contiguous(), inPlace: true, wantDH: NeedsInputGrad(0));
        long width = w.Width;
        return
        [
            dx, _hasResidual ? dsum : null, w.Mirror(dnorm, 0), w.Mirror(dGateUp!.narrow(0, 0, width), 1),
            w.Mirror(dGateUp.narrow(0, width, width), 1), w.Mirror(dDown!, 0),
        ];
    }

    protected override void OnRelease() => _packed?.Dispose();

    // Gradients of [gate; up] and of down; the gradient of n's slice is written.
    private (Tensor DGateUp, Tensor DDown) SliceBack(Tensor packed, Tensor n, Tensor dn, Tensor dy, in Weights w)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor product = SwiGluKernels.Forward(_device, packed);
        Tensor dDown = DeviceGemm.Gradient(dy, product);
        product.Dispose();
        Tensor dproduct = DeviceGemm.Back(dy, w.Down);

        // Over gate and up themselves: nobody reads them again.
        long width = packed.size(1) / 2;
        (Tensor gate, Tensor up) = (packed.narrow(1, 0, width), packed.narrow(1, width, width));
        SwiGluKernels.Backward(_device, gate, up, dproduct, gate, up);
        dproduct.Dispose();
        DeviceGemm.BackInto(packed, w.GateUp, dn);
        Tensor dGateUp = DeviceGemm.Gradient(packed, n);
        return (dGateUp.MoveToOuterDisposeScope(), dDown.MoveToOuterDisposeScope());
    }

    // Gate and up of a slice, [tokens, 2 d_ff]: in what is kept, if anything is.
    private Tensor Pack(Tensor n, in Weights w, long first, long count)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = Part(n, first, count);
        if (_packed is null)
        {
            return DeviceGemm.Rows(rows, w.GateUp).MoveToOuterDisposeScope();
        }

        Tensor packed = _packed.narrow(0, first, count);
        DeviceGemm.RowsInto(rows, w.GateUp, packed);
        return packed.MoveToOuterDisposeScope();
    }

    private static Tensor Part(Tensor t, long first, long count) => DeviceMambaCore.Flat(t).narrow(0, first, count);

    private static void Collect(ref Tensor? sum, Tensor part)
    {
        if (sum is null)
        {
            sum = part.MoveToOuterDisposeScope();
        }
        else
        {
            sum.add_(part);
        }
    }

    private static IEnumerable<(long First, long Count)> Slices(Tensor n)
    {
        long tokens = n.size(0) * n.size(1);
        for (long first = 0; first < tokens; first += SliceTokens)
        {
            yield return (first, Math.Min(SliceTokens, tokens - first));
        }
    }

    // The weights in the activation type, gate above up; mirrored, for a stream whose channels are reversed.
    private readonly struct Weights
    {
        private readonly bool _mirrored;

        internal Weights(Tensor?[] inputs, in LayerSettings settings)
        {
            _mirrored = settings.Mirrored;
            Norm = Mirror(inputs[2]!, 0);
            Width = inputs[3]!.size(0);
            GateUp = Mirror(cat([inputs[3]!, inputs[4]!]), 1).to(settings.Activation);
            Down = Mirror(inputs[5]!, 0).to(settings.Activation);
        }

        internal Tensor Norm { get; }

        internal long Width { get; }

        internal Tensor GateUp { get; }

        internal Tensor Down { get; }

        internal Tensor Mirror(Tensor t, long dim) => _mirrored ? t.flip(dim) : t;
    }
}
