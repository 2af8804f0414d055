using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// The selective scan's backward pass: a warp runs 32 channels of one time segment serially from its end (scan_backward.cu). Where
/// channels are few and time is cut, a walk finds the adjoint between segments first (scan_carry.cu). Sums over channels,
/// segments and batch come last, in fixed order (scan_backward_sums.cu, reduce.cu).
/// </summary>
internal static class ScanBackwardKernels
{
    private const int N = ScanShape.States;

    /// <summary>Gradients of up to 4 scans of equal shape.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="directions">The forward pass's inputs.</param>
    /// <param name="ids">As in the forward pass.</param>
    /// <param name="checkpoints">The forward pass's checkpoints, one for each direction; their number tells whether they are dense.</param>
    /// <param name="g">Gradient of y [batch, length, d_inner]: one for all directions, or one for each. Rows may be strided.</param>
    /// <param name="dB">Where the gradients of B go, one [batch, length, d_state] for each direction. Rows may be strided.</param>
    /// <param name="dC">Likewise for C.</param>
    /// <param name="dFinalState">Gradients of the final states; null for zero.</param>
    /// <param name="overDelta">Write the gradients of the raw step sizes over these, which must then be contiguous.</param>
    /// <param name="plan">How to cut the work; null to choose by shape.</param>
    /// <exception cref="ArgumentException">A size, type, stride or device does not fit.</exception>
    internal static ScanGradients[] Run(
        KernelDevice device,
        ReadOnlySpan<ScanDirection> directions,
        Tensor? ids,
        ReadOnlySpan<Tensor> checkpoints,
        ReadOnlySpan<Tensor> g,
        ReadOnlySpan<Tensor> dB,
        ReadOnlySpan<Tensor> dC,
        Tensor[]? dFinalState,
        bool overDelta = false,
        ScanBackwardPlan? plan = null)
    {
        ScanShape shape = ScanShape.Of(directions, ids);
        int scans = shape.Scans;
        if (checkpoints.Length != scans || (g.Length != 1 && g.Length != scans) || dB.Length != scans || dC.Length != scans
            || (dFinalState is not null && dFinalState.Length != scans))
        {
            throw new ArgumentException($"{scans} scans need as many checkpoints, gradients and targets");
        }

        int checkpointSteps = shape.StepsBetween(checkpoints[0]);

        int parameters = shape.Channels * (N + 2);
        Tensor sums = shape.IsEmpty ? zeros([scans, parameters], float32, shape.Device) : empty([scans, parameters], float32, shape.Device);
        var results = new ScanGradients[scans];
        var arguments = new ScanBackwardArguments { ScanCount = scans, Batch = shape.Batch, Length = shape.Length, Channels = shape.Channels };
        var bc = new ScanSumBcArguments { Batch = shape.Batch, Length = shape.Length, Padded = (shape.Length + 15) / 16 * 16 };
        for (int i = 0; i < scans; i++)
        {
            ScanGradients r = results[i] = Allocate(shape, directions[i], sums.select(0, i), dFinalState?[i], overDelta);
            Tensor gi = g[g.Length == 1 ? 0 : i];
            ref ScanBackwardPointers scan = ref arguments.Scans[i];
            scan = Inputs(shape, directions[i], ids);
            scan.Checkpoints = shape.Dense(checkpoints[i], shape.Type, "checkpoints", shape.CheckpointSize(checkpointSteps));
            scan.GStride = shape.RowStride(gi, shape.Channels, "the gradient of y");
            scan.G = gi.data_ptr();
            scan.DFinalState = shape.Dense(dFinalState?[i], "the gradient of the final state", shape.StateSize);
            scan.DU = r.DU.data_ptr();
            scan.DDelta = r.DDelta.data_ptr();
            scan.DInitialState = r.DInitialState?.data_ptr() ?? 0;
            bc.DBStride[i] = shape.RowStride(dB[i], N, "dB");
            bc.DCStride[i] = shape.RowStride(dC[i], N, "dC");
            bc.DB[i] = dB[i].data_ptr();
            bc.DC[i] = dC[i].data_ptr();
            bc.Reverse[i] = directions[i].Reverse ? 1 : 0;
        }

        if (!shape.IsEmpty)
        {
            Launch(device, shape, checkpointSteps, ref arguments, ref bc, sums, plan);
        }

        return results;
    }

    private static void Launch(
        KernelDevice device, ScanShape shape, int checkpointSteps, ref ScanBackwardArguments arguments, ref ScanSumBcArguments bc, Tensor sums,
        ScanBackwardPlan? wanted)
    {
        using DisposeScope scope = NewDisposeScope();
        int warps = wanted?.Warps ?? ScanBackwardPlan.WarpsFor(shape.Channels);
        int resident = (shape.IsSingle && checkpointSteps != ScanShape.DenseSteps ? 4 : 8) / warps;
        KernelFunction main = device.Function(
            Program("scan_backward.cu", [.. shape.DefinitionsWith(checkpointSteps), $"GS_WARPS={warps}", $"GS_BWD_BLOCKS={resident}"]),
            "gs_scan_backward", 32 * warps, MainShared(shape.ElementSize, checkpointSteps == ScanShape.DenseSteps, warps));
        ScanBackwardPlan plan = wanted ?? ScanBackwardPlan.For(shape, device.Multiprocessors, main.BlocksPerMultiprocessor);
        Cut(shape, plan, ref arguments);
        bc.Sets = arguments.Sets;
        int rows = arguments.Segments * shape.Batch, columns = shape.Channels * (N + 2);
        Tensor partial = empty([rows, shape.Scans, columns], float32, shape.Device);
        for (int i = 0; i < shape.Scans; i++)
        {
            ref ScanBackwardPointers scan = ref arguments.Scans[i];
            scan.PartBc = bc.Part[i] = Workspace(shape, arguments.Sets, shape.Batch, bc.Padded, 2 * N);
            scan.PartParameters = partial.data_ptr() + ((nint)i * columns * sizeof(float));
            if (arguments.Segments > 1)
            {
                scan.Carry = Workspace(shape, shape.Batch, arguments.Spans, shape.Channels, N);
                scan.Decay = Workspace(shape, shape.Batch, arguments.Spans, shape.Channels);
            }
        }

        long sequences = (long)shape.Scans * shape.Batch;
        if (arguments.Segments > 1)
        {
            KernelFunction carry = device.Function(Program("scan_carry.cu", shape.Definitions), "gs_scan_carry", 32, CarryShared(shape.ElementSize));
            device.Launch(carry, (sequences * (arguments.Spans - plan.Split) * ((shape.Channels + 31) / 32), 1, 1), arguments);
        }

        device.Launch(main, (sequences * arguments.Segments * arguments.Sets, 1, 1), arguments);
        device.Launch(
            device.Function(Program("scan_backward_sums.cu", shape.Definitions), "gs_sum_bc", 128), ((shape.Length + 31) / 32, shape.Batch, shape.Scans), bc);
        var total = new SumRowsArguments { In = partial.data_ptr(), Out = sums.data_ptr(), Rows = rows, Columns = shape.Scans * columns };
        device.Launch(device.Function(new KernelProgram(["common.cu", "reduce.cu"]), "gs_sum_rows", 256), ((total.Columns + 31) / 32, 1, 1), total);
    }

    private static void Cut(ScanShape shape, ScanBackwardPlan plan, ref ScanBackwardArguments arguments)
    {
        arguments.SpanSteps = plan.SpanSteps(shape.Length);
        arguments.SegmentSteps = arguments.SpanSteps * plan.Split;
        arguments.Spans = (shape.Length + arguments.SpanSteps - 1) / arguments.SpanSteps;
        arguments.Segments = (shape.Length + arguments.SegmentSteps - 1) / arguments.SegmentSteps;
        arguments.Sets = ScanBackwardPlan.SetsFor(shape.Channels, plan.Warps);
    }

    private static ScanBackwardPointers Inputs(ScanShape shape, ScanDirection x, Tensor? ids) => new()
    {
        U = x.U.data_ptr(),
        Delta = x.Delta.data_ptr(),
        B = x.B.data_ptr(),
        C = x.C.data_ptr(),
        A = x.A.data_ptr(),
        Skip = x.Skip?.data_ptr() ?? 0,
        Bias = x.DtBias?.data_ptr() ?? 0,
        Ids = ids?.data_ptr() ?? 0,
        UStride = shape.RowStride(x.U, shape.Channels, "u"),
        DeltaStride = shape.RowStride(x.Delta, shape.Channels, "delta"),
        BStride = shape.RowStride(x.B, N, "B"),
        CStride = shape.RowStride(x.C, N, "C"),
        Reverse = x.Reverse ? 1 : 0,
    };

    // Where there is nothing to scan, parameters' gradients are zero and the state's passes through.
    private static ScanGradients Allocate(ScanShape shape, ScanDirection x, Tensor sums, Tensor? dFinalState, bool overDelta)
    {
        int d = shape.Channels;
        if (overDelta && !x.Delta.is_contiguous())
        {
            throw new ArgumentException($"gradients cannot be written over step sizes that are not contiguous: {x.Delta.Describe()}");
        }

        return new ScanGradients(
            empty(shape.RowsSize, shape.Type, shape.Device),
            // A warp reads a stretch of 16 steps before it writes that stretch, and no other warp reads it.
            overDelta ? x.Delta.alias() : empty(shape.RowsSize, shape.Type, shape.Device),
            sums.narrow(0, 0, (long)d * N).view(d, N),
            x.Skip is null ? null : sums.narrow(0, (long)d * N, d),
            x.DtBias is null ? null : sums.narrow(0, (long)d * (N + 1), d),
            x.InitialState is null ? null
                : !shape.IsEmpty ? empty(shape.StateSize, float32, shape.Device)
                : dFinalState?.clone() ?? zeros(shape.StateSize, float32, shape.Device));
    }

    private static nint Workspace(ScanShape shape, params ReadOnlySpan<long> size) => empty(size.ToArray(), float32, shape.Device).data_ptr();

    private static KernelProgram Program(string file, string[] definitions) => new(["common.cu", "scan_backward_args.cu", file], definitions);

    /// <summary>B_SMEM of scan_backward.cu.</summary>
    private static int MainShared(int elementSize, bool dense, int warps)
    {
        int steps = dense && elementSize == 4 ? 8 : 16;
        int raw = (dense ? 6 : 4) * steps * 32 * elementSize;
        int marks = (dense ? steps / ScanShape.DenseSteps : 1) * 2 * ((N * 16 * elementSize) + 128);
        int work = 3 * (dense ? 2 : 4) * 4 * 40 * sizeof(float);
        int warp = raw + marks + work + (dense ? 6144 : 9216) + (2 * steps * 128);
        return (warps * warp) + (2 * steps * 128) + (steps * 32 * elementSize) + (dense ? 0 : 512);
    }

    /// <summary>C_SMEM of scan_carry.cu.</summary>
    private static int CarryShared(int elementSize) => (2 * ((2 * 16 * 32) + (16 * N)) * elementSize) + (16 * N * 4) + (16 * 36 * 8) + 128;
}
