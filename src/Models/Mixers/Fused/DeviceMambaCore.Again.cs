using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>The core of a layer that is computed again in the backward pass.</summary>
internal static partial class DeviceMambaCore
{
    /// <summary>The first time: as fast as without a backward pass.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="xz">[batch, length, 2D], activation type.</param>
    /// <param name="directions">One or two.</param>
    /// <param name="ids">int32 [batch, length], or null.</param>
    /// <param name="rows">Keep the rows of [dt, B, C].</param>
    /// <param name="again">Batch entries that <see cref="Again"/> will take at a time.</param>
    /// <returns>The gated sum [batch, length, D], and what makes the second time cheaper.</returns>
    internal static (Tensor Gated, CoreAnchors Anchors) ForwardAnchored(KernelDevice device, Tensor xz,
        ReadOnlySpan<DeviceDirection> directions, Tensor? ids, bool rows, int again)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] u = Convolve(device, xz, directions, ids, null);
        Tensor[] projected = Project(u, directions);
        (Tensor gated, ScanSegments? segments) = ScanGated(device, directions, u, Normed(projected, directions), ids, xz, null, again);
        return (gated.MoveToOuterDisposeScope(), new CoreAnchors(rows ? Outer(projected) : null, segments?.MoveToOuterDisposeScope()));
    }

    /// <summary>The second time, and through the gate there and back.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="xz">The forward pass's input, or some of its batch entries.</param>
    /// <param name="directions">The forward pass's.</param>
    /// <param name="ids">The forward pass's.</param>
    /// <param name="anchors">What was kept of these batch entries, or null.</param>
    /// <param name="checkpointSteps">Steps between the scans' checkpoints.</param>
    /// <param name="g">Gradient of the gated sum [batch, length, D]; overwritten by that of each direction's output.</param>
    /// <returns>All that <see cref="Backward"/> reads, the gated sum in place of the sum, and the gradient of xz, of which the gate's half is there.</returns>
    internal static (CoreActivations Kept, Tensor DXz) Again(KernelDevice device, Tensor xz, ReadOnlySpan<DeviceDirection> directions, Tensor? ids,
        CoreAnchors? anchors, int checkpointSteps, Tensor g)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] u = Convolve(device, xz, directions, ids, null);
        // Aliases: backward frees them, and the anchors are the layer's.
        Tensor[] projected = anchors?.Projected is { } rows ? Array.ConvertAll(rows, t => t.alias()) : Project(u, directions);
        Tensor dxz = empty(xz.shape, xz.dtype, xz.device);
        ScanForwardResult scan = ScanAgain(device, directions, u, Normed(projected, directions), ids, anchors?.Segments, checkpointSteps, Z(xz), g, Z(dxz));
        var kept = new CoreActivations
        {
            Projected = Outer(projected),
            Checkpoints = Outer(scan.Checkpoints!),
            Sum = scan.Y[0].MoveToOuterDisposeScope(),
            U = Outer(u),
            Delta = Outer(scan.Delta!),
        };
        return (kept, dxz.MoveToOuterDisposeScope());
    }

    private static ScanForwardResult ScanAgain(KernelDevice device, ReadOnlySpan<DeviceDirection> directions, Tensor[] u, Tensor[] projected,
        Tensor? ids, ScanSegments? segments, int checkpointSteps, Tensor z, Tensor g, Tensor dz)
    {
        using DisposeScope scope = NewDisposeScope();
        ScanForwardResult r = ScanForwardKernels.RunThereAndBack(
            device, Scans(directions, u, null, projected, null), ids, z, g, dz, segments, checkpointSteps);
        Outer(r.Y);
        Outer(r.Checkpoints!);
        Outer(r.Delta!);
        return r;
    }
}
