using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// The selective scan's forward pass: a warp runs 32 channels serially (scan_fwd_serial.cu). Where channels are few, time is cut into
/// segments, whose end states a pre-pass finds (scan_ends.cu), or tiles of time are chained (scan_fwd_chain.cu).
/// </summary>
/// <remarks>
/// The serial kernel and the pre-pass work raw step sizes out from dt themselves where they can; otherwise a matrix product does
/// so first.
/// </remarks>
internal static partial class ScanForwardKernels
{
    /// <summary>Runs up to 4 scans of equal shape in one launch.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="directions">The scans.</param>
    /// <param name="ids">Sequence ids [batch, length], i32: the state is cleared where the id changes; null for one sequence.</param>
    /// <param name="keepCheckpoints">Save what the backward pass needs.</param>
    /// <param name="wantFinalState">Return the state after the last step.</param>
    /// <param name="plan">How; null to choose by shape.</param>
    /// <param name="keepDelta">Return the raw step sizes.</param>
    /// <param name="checkpointSteps">Steps between checkpoints: <see cref="ScanShape.CheckpointSteps"/> or <see cref="ScanShape.DenseSteps"/>.</param>
    /// <param name="segments">What an earlier run over the same inputs kept: taken in place of a plan and of the pre-pass.</param>
    /// <param name="keepSegments">Return what the pre-pass finds.</param>
    /// <exception cref="ArgumentException">A size, type, stride or device does not fit.</exception>
    internal static ScanForwardResult Run(KernelDevice device, ReadOnlySpan<ScanDirection> directions, Tensor? ids, bool keepCheckpoints,
        bool wantFinalState, ScanPlan? plan = null, bool keepDelta = false, int checkpointSteps = ScanShape.CheckpointSteps,
        ScanSegments? segments = null, bool keepSegments = false)
    {
        ScanShape shape = ScanShape.Of(directions, ids);
        int every = keepCheckpoints ? checkpointSteps : ScanShape.CheckpointSteps;
        ScanPlan how = segments?.Plan ?? plan ?? ScanPlan.For(shape, device.Multiprocessors, every == ScanShape.DenseSteps);
        var own = new List<Tensor>();
        ScanDirection[] scans = Projected(shape, directions, how, own);
        bool fused = scans[0].DtProj is not null;
        ScanForwardArguments arguments = Inputs(shape, scans, ids);
        var y = new Tensor[shape.Scans];
        Tensor[]? checkpoints = keepCheckpoints ? new Tensor[shape.Scans] : null;
        Tensor[]? delta = keepDelta ? new Tensor[shape.Scans] : null;
        for (int i = 0; i < shape.Scans; i++)
        {
            y[i] = empty(shape.RowsSize, shape.Type, shape.Device);
            ref ScanForwardPointers scan = ref arguments.Scans[i];
            scan.Y = y[i].data_ptr();
            if (checkpoints is not null)
            {
                checkpoints[i] = empty(shape.CheckpointSize(checkpointSteps), shape.Type, shape.Device);
                scan.Checkpoints = checkpoints[i].data_ptr();
            }

            if (delta is not null)
            {
                delta[i] = fused ? empty(shape.RowsSize, shape.Type, shape.Device) : scans[i].Delta;
                scan.DeltaOut = fused ? delta[i].data_ptr() : 0;
            }
        }

        Tensor[]? final = FinalStates(shape, directions, wantFinalState, ref arguments);
        ScanSegments? found = shape.IsEmpty ? null
            : ScanForwardLaunch.All(device, shape, Rank(scans[0]), ref arguments, how, every, segments, keepSegments);

        if (!keepDelta)
        {
            own.ForEach(t => t.Dispose());
        }

        return new ScanForwardResult(y, checkpoints, final, delta, found);
    }

    /// <summary>
    /// One or two directions without a backward pass: (y of the first + y of the second) silu(z). The second direction's kernel adds
    /// and gates as it goes where the plan has segments; the result is the same, to the bit, as the gate's kernel gives.
    /// </summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="directions">One or two scans.</param>
    /// <param name="ids">As for <see cref="Run"/>.</param>
    /// <param name="z">The gate [batch, length, d_inner], rows evenly spaced.</param>
    /// <param name="wantFinalState">Return the state after the last step.</param>
    /// <param name="plan">How; null to choose by shape.</param>
    /// <param name="again">Batch entries that <see cref="Run"/> will take at a time over the same inputs: the plan fits both, and the segments are returned; 0: none.</param>
    /// <returns>The gated sum [batch, length, d_inner], the final state of each direction [batch, d_inner, d_state], and the segments.</returns>
    /// <exception cref="ArgumentException">A size, type, stride or device does not fit.</exception>
    internal static (Tensor Gated, Tensor[]? FinalState, ScanSegments? Segments) RunGated(KernelDevice device, ReadOnlySpan<ScanDirection> directions,
        Tensor? ids, Tensor z, bool wantFinalState, ScanPlan? plan = null, int again = 0)
    {
        ScanShape shape = ScanShape.Of(directions, ids);
        ScanPlan how = plan ?? ScanPlan.ForGated(shape, device.Multiprocessors, again);
        if (shape.IsSingle || shape.Scans > 2 || how.Segments == 0 || shape.IsEmpty)
        {
            ScanForwardResult r = Run(device, directions, ids, false, wantFinalState, plan, keepSegments: again > 0);
            if (!shape.IsEmpty)
            {
                GateKernels.Forward(device, r.Y[0], r.Y.Length > 1 ? r.Y[1] : null, z, r.Y[0], false);
            }

            return (r.Y[0], r.FinalState, r.Segments);
        }

        var own = new List<Tensor>();
        ScanDirection[] scans = Projected(shape, directions, how, own);
        ScanForwardArguments arguments = Inputs(shape, scans, ids);
        Tensor y = empty(shape.RowsSize, shape.Type, shape.Device);
        for (int i = 0; i < shape.Scans; i++)
        {
            arguments.Scans[i].Y = y.data_ptr(); // a lane overwrites what it has read itself
        }

        ref ScanForwardPointers last = ref arguments.Scans[shape.Scans - 1];
        (last.Z, last.ZStride) = (z.data_ptr(), shape.RowStride(z, shape.Channels, "z"));
        last.Add = shape.Scans > 1 ? last.Y : 0;
        Tensor[]? final = FinalStates(shape, directions, wantFinalState, ref arguments);
        ScanSegments? found = ScanForwardLaunch.Gated(device, shape, Rank(scans[0]), ref arguments, how, ScanShape.CheckpointSteps, again > 0);
        own.ForEach(t => t.Dispose());
        return (y, final, found);
    }

    /// <summary>The state after the last step, without any output: of segments of time at once, joined by their sums of delta (scan_join.cu).</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="direction">The scan.</param>
    /// <param name="felt">i32 [1], or null: set to 1 unless the last state has forgotten what came before the first step, by the measure of the kernels.</param>
    /// <returns>f32 [batch, d_inner, d_state].</returns>
    /// <exception cref="ArgumentException">A size, type, stride or device does not fit.</exception>
    internal static Tensor FinalState(KernelDevice device, ScanDirection direction, Tensor? felt = null)
    {
        ScanShape shape = ScanShape.Of([direction], null);
        int segments = ScanPlan.EvenSegments(shape, device.Multiprocessors);
        using DisposeScope scope = NewDisposeScope();
        if (segments == 0)
        {
            felt?.fill_(1);
            return Run(device, [direction], null, false, true).FinalState![0].MoveToOuterDisposeScope();
        }

        var own = new List<Tensor>();
        ScanDirection[] scans = Projected(shape, [direction], new ScanPlan(segments), own);
        ScanForwardArguments arguments = Inputs(shape, scans, null);
        (Tensor ends, Tensor sums) = ScanForwardLaunch.AllEnds(device, shape, Rank(scans[0]), ref arguments, segments);
        Tensor state = empty(shape.StateSize, float32, shape.Device);
        ScanForwardLaunch.Join(device, shape, ends, sums, segments, direction, state, felt);
        own.ForEach(t => t.Dispose());
        return state.MoveToOuterDisposeScope();
    }

    // 0: raw step sizes are given.
    private static int Rank(ScanDirection scan) => (int)(scan.DtProj?.size(1) ?? 0);

    // The scans as the kernels of the plan take them: where these do not project dt, products do, whose results are the caller's to free.
    private static ScanDirection[] Projected(ScanShape shape, ReadOnlySpan<ScanDirection> directions, ScanPlan plan, List<Tensor> own)
    {
        ScanDirection[] scans = directions.ToArray();
        if (plan.Segments > 0 && !shape.IsSingle && Array.TrueForAll(scans, s => Rank(s) is 8 or 16 or 24 or 32 && Rank(s) == Rank(scans[0])))
        {
            return scans;
        }

        for (int i = 0; i < scans.Length; i++)
        {
            if (scans[i].DtProj is { } projection)
            {
                using Tensor rows = scans[i].Delta.reshape((long)shape.Batch * shape.Length, projection.size(1));
                using Tensor weight = projection.t();
                using Tensor product = rows.mm(weight);
                Tensor delta = product.view(shape.Batch, shape.Length, shape.Channels);
                own.Add(delta);
                scans[i] = scans[i] with { Delta = delta, DtProj = null };
            }
        }

        return scans;
    }

    private static Tensor[]? FinalStates(ScanShape shape, ReadOnlySpan<ScanDirection> directions, bool want, ref ScanForwardArguments arguments)
    {
        if (!want)
        {
            return null;
        }

        var final = new Tensor[shape.Scans];
        for (int i = 0; i < final.Length; i++)
        {
            final[i] = !shape.IsEmpty ? empty(shape.StateSize, float32, shape.Device)
                : directions[i].InitialState?.clone() ?? zeros(shape.StateSize, float32, shape.Device);
            arguments.Scans[i].FinalState = final[i].data_ptr();
        }

        return final;
    }

    private static ScanForwardArguments Inputs(ScanShape shape, ReadOnlySpan<ScanDirection> directions, Tensor? ids)
    {
        var arguments = new ScanForwardArguments { ScanCount = shape.Scans, Batch = shape.Batch, Length = shape.Length, Channels = shape.Channels };
        for (int i = 0; i < shape.Scans; i++)
        {
            ScanDirection x = directions[i];
            arguments.Scans[i] = new ScanForwardPointers
            {
                U = x.U.data_ptr(),
                B = x.B.data_ptr(),
                C = x.C.data_ptr(),
                A = x.A.data_ptr(),
                Skip = x.Skip?.data_ptr() ?? 0,
                Bias = x.DtBias?.data_ptr() ?? 0,
                InitialState = x.InitialState?.data_ptr() ?? 0,
                Ids = ids?.data_ptr() ?? 0,
                UStride = shape.RowStride(x.U, shape.Channels, "u"),
                BStride = shape.RowStride(x.B, ScanShape.States, "B"),
                CStride = shape.RowStride(x.C, ScanShape.States, "C"),
                Reverse = x.Reverse ? 1 : 0,
            };
            ref ScanForwardPointers scan = ref arguments.Scans[i];
            if (x.DtProj is { } projection)
            {
                (scan.Dt, scan.DtStride, scan.DtWeight) = (x.Delta.data_ptr(), shape.RowStride(x.Delta, Rank(x), "dt"), projection.data_ptr());
            }
            else
            {
                (scan.Delta, scan.DeltaStride) = (x.Delta.data_ptr(), shape.RowStride(x.Delta, shape.Channels, "delta"));
            }
        }

        return arguments;
    }
}
