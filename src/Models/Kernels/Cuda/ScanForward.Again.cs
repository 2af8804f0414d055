using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The scans of a layer that is computed again, with the gate's forward and backward pass.</summary>
internal static partial class ScanForwardKernels
{
    /// <summary>
    /// One or two directions again: all that the backward pass reads, and the gate there and back, which the second direction's
    /// kernel does as it goes where segments fill the device with one direction; otherwise the gate's kernel, to the same bits.
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
        if (shape.IsSingle || shape.IsEmpty || shape.Scans > 2 || !how.FillsWithOne(shape, device.Multiprocessors)
            || shape.RowStride(z, shape.Channels, "z") != shape.RowStride(dz, shape.Channels, "dz"))
        {
            ScanForwardResult r = Run(device, directions, ids, true, false, how, keepDelta: true, checkpointSteps: checkpointSteps, segments: segments);
            GateKernels.Backward(device, dgated, r.Y[0], r.Y.Length > 1 ? r.Y[1] : null, z, dgated, dz, r.Y[0]);
            if (r.Y.Length > 1)
            {
                r.Y[1].Dispose();
            }

            return r with { Y = [r.Y[0]] };
        }

        var own = new List<Tensor>();
        ScanDirection[] scans = Projected(shape, directions, how, own);
        ScanForwardArguments arguments = Inputs(shape, scans, ids);
        Tensor y = empty(shape.RowsSize, shape.Type, shape.Device);
        var checkpoints = new Tensor[shape.Scans];
        var delta = new Tensor[shape.Scans];
        for (int i = 0; i < shape.Scans; i++)
        {
            bool fused = scans[i].DtProj is not null;
            checkpoints[i] = empty(shape.CheckpointSize(checkpointSteps), shape.Type, shape.Device);
            delta[i] = fused ? empty(shape.RowsSize, shape.Type, shape.Device) : scans[i].Delta;
            ref ScanForwardPointers scan = ref arguments.Scans[i];
            (scan.Y, scan.Checkpoints, scan.DeltaOut) = (y.data_ptr(), checkpoints[i].data_ptr(), fused ? delta[i].data_ptr() : 0);
        }

        ref ScanForwardPointers last = ref arguments.Scans[shape.Scans - 1];
        (last.Z, last.ZStride, last.Dz) = (z.data_ptr(), shape.RowStride(z, shape.Channels, "z"), dz.data_ptr());
        (last.Add, last.DOut) = (shape.Scans > 1 ? last.Y : 0, shape.Dense(dgated, shape.Type, "the gated sum's gradient", shape.RowsSize));
        ScanForwardLaunch.Gated(device, shape, Rank(scans[0]), ref arguments, how, ScanForwardLaunch.Gate.ThereAndBack, checkpointSteps, segments, false);
        return new ScanForwardResult([y], checkpoints, null, delta, null);
    }
}
