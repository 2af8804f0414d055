using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The scans of a layer that is computed again, with the gate's forward and backward pass.</summary>
internal static partial class ScanForwardKernels
{
    /// <summary>
    /// One or two directions again: all that the backward pass reads, and the gate there and back by one kernel. (The second direction's
    /// scan can do that as it goes: 11.5 ms where both directions at once and the gate's kernel take 9.6.)
    /// </summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="directions">One or two scans.</param>
    /// <param name="ids">As for <see cref="Run"/>.</param>
    /// <param name="z">The gate [batch, length, d_inner], rows evenly spaced.</param>
    /// <param name="dgated">Gradient of the gated sum [batch, length, d_inner], contiguous; overwritten by that of each direction's y.</param>
    /// <param name="dz">Overwritten: gradient of z, laid out like it.</param>
    /// <param name="segments">What the first run found, or null.</param>
    /// <param name="checkpointSteps">Steps between checkpoints.</param>
    /// <returns>Y has one entry, the gated sum.</returns>
    /// <exception cref="ArgumentException">A size, type, stride or device does not fit.</exception>
    internal static ScanForwardResult RunThereAndBack(KernelDevice device, ReadOnlySpan<ScanDirection> directions, Tensor? ids, Tensor z, Tensor dgated,
        Tensor dz, ScanSegments? segments, int checkpointSteps)
    {
        ScanShape shape = ScanShape.Of(directions, ids);
        segments = segments?.Plan.IsWorthKeeping(shape, device.Multiprocessors) == true ? segments : null;
        ScanPlan how = segments?.Plan ?? ScanPlan.For(shape, device.Multiprocessors, checkpointSteps == ScanShape.DenseSteps);
        ScanForwardResult r = Run(device, directions, ids, true, false, how, keepDelta: true, checkpointSteps: checkpointSteps, segments: segments);
        GateKernels.Backward(device, dgated, r.Y[0], r.Y.Length > 1 ? r.Y[1] : null, z, dgated, dz, r.Y[0]);
        if (r.Y.Length > 1)
        {
            r.Y[1].Dispose();
        }

        return r with { Y = [r.Y[0]] };
    }
}
