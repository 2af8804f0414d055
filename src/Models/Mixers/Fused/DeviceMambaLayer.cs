using GenoSeq.Models.Blocks;
using GenoSeq.Models.Context;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// A whole Mamba layer, add, norm, in_proj, <see cref="DeviceMambaCore"/>, out_proj, as one differentiable operation with a
/// backward pass by hand: one direction, or two with tied projections that are added. The residual stream is single precision.
/// </summary>
/// <remarks>
/// One in_proj serves both directions, and one out_proj their sum. What is kept follows <see cref="LayerMemory"/>; without
/// keeping, large batches go by slices of whole entries, so that temporaries do not grow with the batch.
/// </remarks>
internal sealed partial class DeviceMambaLayer : autograd.Function
{
    private const int Fixed = 5;

    /// <summary>What a slice may take of a device's memory that nothing takes yet, where there is no backward pass.</summary>
    private const double InferenceShare = 0.55;

    private readonly KernelDevice _device;
    private readonly LayerSettings _settings;
    private readonly Tensor? _ids;
    private Tensor? _xz;
    private (Tensor Normed, Tensor Rstd, Tensor Gated)? _all;
    private Weights? _weights;
    private CoreActivations? _kept;
    private readonly List<(long First, long Count, CoreAnchors Anchors)> _anchors = [];
    private bool _hasResidual;

    private DeviceMambaLayer(KernelDevice device, in LayerSettings settings, Tensor? ids)
    {
        _device = device;
        _settings = settings;
        _ids = ids;
    }

    /// <summary>Tokens of a slice of whole batch entries in the forward pass, where a layer is not kept.</summary>
    internal static long SliceTokens { get; set; } = 1 << 20;

    /// <summary>
    /// The same in the backward pass, unless everything is kept: half a slice is half a working set, and this many tokens still
    /// fill a GPU.
    /// </summary>
    internal static long BackwardSliceTokens { get; set; } = 1 << 17;

    protected override string Name => "MambaLayer";

    private LayerMemory Memory => _settings.Memory;

    /// <summary>Runs the layer.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="x">The last layer's output [batch, length, d_model], activation type.</param>
    /// <param name="residual">f32 [batch, length, d_model], or null in the first layer.</param>
    /// <param name="norm">The layer's norm.</param>
    /// <param name="directions">Parameters, and whether they read from the end; the first one's projections are used.</param>
    /// <param name="settings">Numbers and policies.</param>
    /// <param name="ids">int32 [batch, length], or null.</param>
    /// <returns>The layer's output in the activation type, and the residual stream.</returns>
    internal static (Tensor Y, Tensor Residual) Run(KernelDevice device, Tensor x, Tensor? residual, RmsNorm norm,
        (MambaDirection Parameters, bool Reverse)[] directions, in LayerSettings settings, Tensor? ids)
    {
        MambaDirection first = directions[0].Parameters;
        Tensor?[] inputs =
        [
            x, residual, norm.weight, first.InProj.weight, first.OutProj.weight,
            .. directions.SelectMany(d => d.Parameters.Inner()),
        ];
        LayerSettings own = settings with { Reverse = Array.ConvertAll(directions, d => d.Reverse), Norms = first.Norms };
        Tensor?[] y = new DeviceMambaLayer(device, own, ids).apply(inputs);
        return (y[0]!, y[1]!);
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        _hasResidual = inputs[1] is not null;
        bool keep = WillDifferentiate && Memory <= LayerMemory.KeepScan;
        var w = _weights = new Weights(inputs, _settings);
        if (InChunks(inputs[0]!.size(1)))
        {
            (Tensor chunkedY, Tensor chunkedSum) = ForwardInChunks(inputs[0]!.contiguous(), inputs[1], w);
            save_for_backward([chunkedSum, .. inputs[2..]]);
            return [chunkedY, chunkedSum];
        }

        bool all = keep && Memory <= LayerMemory.KeepAll;
        int checkpointSteps = Memory == LayerMemory.KeepDense ? ScanShape.DenseSteps : ScanShape.CheckpointSteps;
        (Tensor n, Tensor? sum, Tensor? rstd) = NormKernels.Forward(_device, inputs[0], inputs[1], w.Norm, _settings.NormEps, _settings.Activation, true, all);
        Tensor y = empty(n.shape, n.dtype, n.device);
        foreach ((long first, long count) in Slices(n, keep ? long.MaxValue : WillDifferentiate ? AgainTokens(n.size(1)) : InferenceTokens(n, w)))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor xz = Project(n, w, first, count);
            (Tensor gated, CoreActivations? kept) = WillDifferentiate && !keep
                ? (ForwardAnchored(xz, w, first, count), null)
                : DeviceMambaCore.Forward(_device, xz, w.Directions, Ids(first, count), keep, all, checkpointSteps: checkpointSteps);
            DeviceGemm.RowsInto(DeviceMambaCore.Flat(gated), w.Out, DeviceMambaCore.Flat(y.narrow(0, first, count)));
            _kept = kept?.Detach();
            _xz = keep && Memory <= LayerMemory.Keep ? xz.DetachFromDisposeScope() : null;
            _all = all ? (n.DetachFromDisposeScope(), rstd!.DetachFromDisposeScope(), gated.DetachFromDisposeScope()) : null;
        }

        save_for_backward([sum, .. inputs[2..]]);
        return [y, sum];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor sum = saved(0)!;
        var inputs = new Tensor?[Fixed + (DeviceDirection.Count * _settings.Reverse.Length)];
        for (int k = 2; k < inputs.Length; k++)
        {
            inputs[k] = saved(k - 1);
        }

        var gradients = new Tensor?[inputs.Length];
        Weights w = _weights!;
        Tensor dy = grad_outputs[0]?.contiguous() ?? zeros(sum.shape, _settings.Activation, sum.device);
        Tensor dn = empty(sum.shape, _settings.Activation, sum.device);
        var g = new LayerGradients();
        Tensor? rstd = null;
        if (_carries is null)
        {
            rstd = BackwardWhole(sum, dn, dy, w, g);
        }
        else
        {
            BackwardInChunks(sum, dn, dy, w, g);
        }

        g.Adopt();
        // The residual stream has one reader after this layer, so its gradient is ours to write into.
        (Tensor dsum, Tensor? dx, Tensor dnorm) = NormKernels.Backward(_device, sum, rstd, w.Norm, _settings.NormEps, dn,
            grad_outputs[1], inPlace: true, wantDH: NeedsInputGrad(0));
        gradients[0] = dx;
        gradients[1] = _hasResidual ? dsum : null;
        gradients[2] = w.Mirror(dnorm, 0);
        gradients[3] = w.Mirror(g.In!, 1);
        gradients[4] = w.Mirror(g.Out!, 0);
        for (int k = 0; k < w.Directions.Length; k++)
        {
            g.Own[k].ToArray().CopyTo(gradients, Fixed + (k * DeviceDirection.Count));
        }

        return gradients;
    }

    protected override void OnRelease()
    {
        _xz?.Dispose();
        _kept?.Dispose();
        _all?.Normed.Dispose();
        _all?.Rstd.Dispose();
        _all?.Gated.Dispose();
        _weights?.Free();
        _anchors.ForEach(a => a.Anchors.Dispose());
        ReleaseCarries();
    }

    private Tensor ForwardAnchored(Tensor xz, Weights w, long first, long count)
    {
        long again = Math.Clamp(BackwardSliceTokens / Math.Max(xz.size(1), 1), 1, count);
        (Tensor gated, CoreAnchors anchors) =
            DeviceMambaCore.ForwardAnchored(_device, xz, w.Directions, Ids(first, count), Memory == LayerMemory.KeepRows, (int)again);
        _anchors.Add((first, count, anchors.Detach()));
        return gated;
    }

    // Null where the forward pass had these entries in several slices.
    private CoreAnchors? Anchors(long first, long count)
    {
        int i = _anchors.FindIndex(a => a.First <= first && first + count <= a.First + a.Count);
        return i < 0 ? null : _anchors[i].Anchors.Narrow(first - _anchors[i].First, count);
    }

    private Tensor BackwardWhole(Tensor sum, Tensor dn, Tensor dy, Weights w, LayerGradients g)
    {
        using DisposeScope outer = NewDisposeScope();
        (Tensor n, Tensor? rstd) = _all is { } all ? (all.Normed, all.Rstd)
            : NormKernels.Forward(_device, null, sum, w.Norm, _settings.NormEps, _settings.Activation, false, true) is var (y, _, r) ? (y, r) : default;
        foreach ((long first, long count) in Slices(n, _all is null ? BackwardSliceTokens : long.MaxValue))
        {
            using DisposeScope scope = NewDisposeScope();
            BackwardSlice(n, dn, dy, w, first, count, g);
        }

        return _all is null ? rstd!.MoveToOuterDisposeScope() : rstd!;
    }

    private void BackwardSlice(Tensor n, Tensor dn, Tensor dy, Weights w, long first, long count, LayerGradients sums)
    {
        Tensor? ids = Ids(first, count);
        Tensor xz = _xz?.narrow(0, first, count) ?? Project(n, w, first, count);
        Tensor rows = dy.narrow(0, first, count);
        Tensor g = OutBack(rows, w.Out);
        (CoreActivations kept, Tensor dxz) = _kept is null
            ? DeviceMambaCore.Again(_device, xz, w.Directions, ids, Anchors(first, count),
                Memory == LayerMemory.KeepRows ? ScanShape.DenseSteps : ScanShape.CheckpointSteps, g)
            : Ungate(xz, count == n.size(0) ? _kept : _kept.Narrow(first, count), g);
        Tensor gated = _all?.Gated ?? kept.Sum;
        AddOut(rows, gated, sums);
        gated.Dispose();
        kept.Sum.Dispose();
        sums.Add(DeviceMambaCore.Backward(_device, xz, w.Directions, ids, kept, g, dxz));
        InBack(dxz, n.narrow(0, first, count), dn.narrow(0, first, count), w.In, sums);
    }

    private (CoreActivations Kept, Tensor DXz) Ungate(Tensor xz, CoreActivations kept, Tensor g) =>
        (kept, DeviceMambaCore.Ungate(_device, xz, kept, g, g, _all is null));

    private static Tensor OutBack(Tensor dy, Tensor weight)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dgated = empty([dy.size(0), dy.size(1), weight.size(1)], dy.dtype, dy.device);
        DeviceGemm.BackInto(DeviceMambaCore.Flat(dy), weight, DeviceMambaCore.Flat(dgated));
        return dgated.MoveToOuterDisposeScope();
    }

    private static void AddOut(Tensor dy, Tensor gated, LayerGradients sums)
    {
        using DisposeScope scope = NewDisposeScope();
        sums.AddOut(DeviceGemm.Gradient(DeviceMambaCore.Flat(dy), DeviceMambaCore.Flat(gated)));
    }

    private static void InBack(Tensor dxz, Tensor n, Tensor dn, Tensor weight, LayerGradients sums)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = DeviceMambaCore.Flat(dxz);
        DeviceGemm.BackInto(flat, weight, DeviceMambaCore.Flat(dn));
        sums.AddIn(DeviceGemm.Gradient(flat, DeviceMambaCore.Flat(n)));
    }

    private static Tensor Project(Tensor n, Weights w, long first, long count)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = DeviceMambaCore.Flat(n.narrow(0, first, count));
        return DeviceGemm.Rows(flat, w.In).view(count, n.size(1), -1).MoveToOuterDisposeScope();
    }

    // Two long entries at once, whose scans need half as many segments for each, take no more than one entry's backward pass.
    private static long AgainTokens(long length) => Math.Max(SliceTokens, 2 * length);

    private Tensor? Ids(long first, long count) => _ids?.narrow(0, first, count).contiguous();

    // Without a backward pass nothing else needs the memory, and the scan is fastest where whole sequences fill the device.
    private static long InferenceTokens(Tensor n, Weights w)
    {
        if (n.device.Type != DeviceType.CUDA || n.size(0) * n.size(1) <= SliceTokens)
        {
            return SliceTokens;
        }

        // xz, the gated sum, and for each direction u and the rows of [dt, B, C].
        long numbers = (3 * w.Out.size(1)) + w.Directions.Sum(d => w.Out.size(1) + d.ProjectedWidth);
        CudaMemoryStatistics memory = cuda.memory_stats(n.device.Index);
        return Math.Max(SliceTokens, (long)(InferenceShare * (memory.Total - memory.Allocated) / (numbers * n.dtype.ElementSize())));
    }

    // Whole batch entries, up to so many tokens together, but at least one; slices are of equal size or nearly so.
    private static IEnumerable<(long First, long Count)> Slices(Tensor n, long tokens)
    {
        long batch = n.size(0);
        long most = Math.Clamp(tokens / Math.Max(n.size(1), 1), 1, Math.Max(batch, 1));
        long slices = (batch + most - 1) / most;
        long each = slices == 0 ? 1 : (batch + slices - 1) / slices;
        for (long first = 0; first < batch; first += each)
        {
            yield return (first, Math.Min(each, batch - first));
        }
    }

    // The layer's weights in the activation type, cast once for both passes; mirrored, for a stream whose channels are reversed.
    private sealed class Weights
    {
        private readonly bool _mirrored;

        internal Weights(Tensor?[] inputs, in LayerSettings settings)
        {
            _mirrored = settings.Mirrored;
            // Aliases: where nothing is cast or mirrored these are the parameters, which are not ours to free.
            Norm = Mirror(inputs[2]!, 0).alias().DetachFromDisposeScope();
            In = Mirror(inputs[3]!, 1).to(settings.Activation).alias().DetachFromDisposeScope();
            Out = Mirror(inputs[4]!, 0).to(settings.Activation).alias().DetachFromDisposeScope();
            Directions = new DeviceDirection[settings.Reverse.Length];
            for (int k = 0; k < Directions.Length; k++)
            {
                Directions[k] = new DeviceDirection(inputs.AsSpan(Fixed + (k * DeviceDirection.Count), DeviceDirection.Count),
                    settings.Reverse[k], settings.Activation, settings.Norms);
            }
        }

        internal Tensor Norm { get; }

        internal Tensor In { get; }

        internal Tensor Out { get; }

        internal DeviceDirection[] Directions { get; }

        internal Tensor Mirror(Tensor t, long dim) => _mirrored ? t.flip(dim) : t;

        internal void Free()
        {
            Norm.Dispose();
            In.Dispose();
            Out.Dispose();
            Array.ForEach(Directions, d => d.Dispose());
        }
    }
}

/// <summary>Numbers and policies of a layer.</summary>
/// <param name="NormEps">Epsilon of the norm.</param>
/// <param name="Activation">Type of the activations: bf16 or f32.</param>
/// <param name="Memory">What is kept for the backward pass.</param>
/// <param name="Mirrored">Positions and channels of the stream are reversed.</param>
internal readonly record struct LayerSettings(double NormEps, Torch.ScalarType Activation, LayerMemory Memory, bool Mirrored)
{
    /// <summary>Whether each direction reads from the end.</summary>
    internal bool[] Reverse { get; init; } = [];

    /// <summary>Of Mamba's dt, B and C; or null.</summary>
    internal ProjectionNorms? Norms { get; init; }

    /// <summary>How positions are divided among ranks; null: all are here.</summary>
    internal ContextShards? Shards { get; init; }
}
