using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The selective scan's backward pass: tiles of time chained from the end (scan_bwd.cu), then sums in fixed order (scan_reduce.cu).</summary>
internal static class ScanBackwardKernels
{
    private const int TileSteps = 128;
    private const int N = ScanShape.States;
    private const int ParameterSums = (N * 16) + 32;

    /// <summary>Gradients of up to 4 scans of equal shape.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="directions">The forward pass's inputs.</param>
    /// <param name="ids">As in the forward pass.</param>
    /// <param name="checkpoints">The forward pass's checkpoints, one for each direction.</param>
    /// <param name="g">Gradient of y [batch, length, d_inner]: one for all directions, or one for each. Rows may be strided.</param>
    /// <param name="dB">Where the gradients of B go, one [batch, length, d_state] for each direction, all with the same row stride.</param>
    /// <param name="dC">Likewise for C.</param>
    /// <param name="dFinalState">Gradients of the final states; null for zero.</param>
    /// <exception cref="ArgumentException">A size, type, stride or device does not fit.</exception>
    internal static ScanGradients[] Run(
        KernelDevice device,
        ReadOnlySpan<ScanDirection> directions,
        Tensor? ids,
        ReadOnlySpan<Tensor> checkpoints,
        ReadOnlySpan<Tensor> g,
        ReadOnlySpan<Tensor> dB,
        ReadOnlySpan<Tensor> dC,
        Tensor[]? dFinalState)
    {
        ScanShape shape = ScanShape.Of(directions, ids);
        int scans = shape.Scans;
        if (checkpoints.Length != scans || (g.Length != 1 && g.Length != scans) || dB.Length != scans || dC.Length != scans
            || (dFinalState is not null && dFinalState.Length != scans))
        {
            throw new ArgumentException($"{scans} scans need as many checkpoints, gradients and targets");
        }

        int groups = Groups(shape);
        int sets = (shape.Chunks + groups - 1) / groups;
        int tiles = (shape.Length + TileSteps - 1) / TileSteps;
        var results = new ScanGradients[scans];
        ScanArguments arguments = shape.Arguments(directions, ids);
        arguments.Tiles = tiles;
        arguments.Groups = groups;
        var bc = new ScanReduceBcArguments { Sets = sets, Batch = shape.Batch, Length = shape.Length, Padded = tiles * TileSteps };
        var parameters = new ScanReduceParametersArguments { Batch = shape.Batch, Channels = shape.Channels };
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < scans; i++)
        {
            ScanGradients r = results[i] = Allocate(shape, directions[i], dFinalState?[i]);
            Tensor gi = g[g.Length == 1 ? 0 : i];
            Tensor partBc = empty([sets, shape.Batch, 2 * N, tiles * TileSteps], float32, shape.Device);
            Tensor partParameters = empty([shape.Batch, shape.Chunks, ParameterSums], float32, shape.Device);
            ref ScanPointers scan = ref arguments.Scans[i];
            scan.Checkpoints = shape.Dense(checkpoints[i], shape.Type, "checkpoints", shape.CheckpointSize);
            scan.DOutStride = shape.RowStride(gi, shape.Channels, "the gradient of y");
            scan.DOut = gi.data_ptr();
            scan.DFinalState = shape.Dense(dFinalState?[i], "the gradient of the final state", shape.StateSize);
            scan.DU = r.DU.data_ptr();
            scan.DDelta = r.DDelta.data_ptr();
            scan.DInitialState = r.DInitialState?.data_ptr() ?? 0;
            scan.PartBc = bc.Part[i] = partBc.data_ptr();
            scan.PartParameters = parameters.Part[i] = partParameters.data_ptr();
            bc.DBStride = SameStride(shape.RowStride(dB[i], N, "dB"), bc.DBStride, i);
            bc.DCStride = SameStride(shape.RowStride(dC[i], N, "dC"), bc.DCStride, i);
            bc.DB[i] = dB[i].data_ptr();
            bc.DC[i] = dC[i].data_ptr();
            bc.Reverse[i] = directions[i].Reverse ? 1 : 0;
            parameters.DA[i] = r.DA.data_ptr();
            parameters.DSkip[i] = r.DSkip?.data_ptr() ?? 0;
            parameters.DBias[i] = r.DDtBias?.data_ptr() ?? 0;
        }

        if (!shape.IsEmpty)
        {
            Launch(device, shape, ref arguments, bc, parameters);
        }

        return results;
    }

    private static void Launch(
        KernelDevice device, ScanShape shape, ref ScanArguments arguments, in ScanReduceBcArguments bc, in ScanReduceParametersArguments parameters)
    {
        KernelFunction main = device.Function(
            new KernelProgram(["common.cu", "scan_args.cu", "scan_bwd.cu"], shape.Definitions), "gs_scan_bwd", 128, Shared(shape.ElementSize));
        var sums = new KernelProgram(["common.cu", "scan_args.cu", "scan_reduce.cu"], shape.Definitions);
        long chains = (long)shape.Scans * shape.Batch * shape.Chunks;
        (arguments.Ticket, arguments.Ring) = ScanWorkspace.Get(shape.Device, (chains * 4 * ((N * 16) + ParameterSums)) + 64, out Tensor keep);
        long total = (long)arguments.Tiles * shape.Scans * shape.Batch * bc.Sets;
        device.Launch(main, (Math.Min(total, (long)device.Multiprocessors * main.BlocksPerMultiprocessor), 1, 1), arguments);
        device.Launch(device.Function(sums, "gs_scan_reduce_bc", 128), (arguments.Tiles, shape.Batch, shape.Scans), bc);
        device.Launch(device.Function(sums, "gs_scan_reduce_p", 128), (shape.Chunks, shape.Scans, 1), parameters);
        GC.KeepAlive(keep);
    }

    // Where there is nothing to scan, parameters' gradients are zero and the state's passes through.
    private static ScanGradients Allocate(ScanShape shape, ScanDirection x, Tensor? dFinalState)
    {
        Tensor Rows() => empty(shape.RowsSize, shape.Type, shape.Device).MoveToOuterDisposeScope();
        Tensor Single(params long[] size) =>
            (shape.IsEmpty ? zeros(size, float32, shape.Device) : empty(size, float32, shape.Device)).MoveToOuterDisposeScope();
        return new ScanGradients(
            Rows(),
            Rows(),
            Single(shape.Channels, N),
            x.Skip is null ? null : Single(shape.Channels),
            x.DtBias is null ? null : Single(shape.Channels),
            x.InitialState is null ? null
                : shape.IsEmpty && dFinalState is not null ? dFinalState.clone().MoveToOuterDisposeScope() : Single(shape.StateSize));
    }

    /// <summary>Groups of 16 channels that one block takes in turn: few where chains are few, so that all blocks find work.</summary>
    private static int Groups(ScanShape shape) => (shape.Scans * shape.Batch) switch
    {
        >= 64 => 32,
        >= 8 => 16,
        > 1 => 8,
        _ => shape.Length >= 1 << 19 ? 8 : 4,
    };

    private static long SameStride(long stride, long before, int index) => index == 0 || stride == before
        ? stride
        : throw new ArgumentException($"the targets of dB (and those of dC) must share one row stride, not {before} and {stride}");

    /// <summary>R_SMEM of scan_bwd.cu.</summary>
    private static int Shared(int elementSize)
    {
        const int perChannelArray = ((16 * 168) + 16) * 4;
        int checkpoints = 8 * ((N * 16 * elementSize) + 16);
        int staging = 4 * 2 * (elementSize / 2) * 128 * 16;
        return (3 * perChannelArray) + (4 * 128 * 4) + (2 * N * 128 * 4) + (2 * N * 128 * 4) + (4 * N * 16 * 4) + (64 * 4) + (128 * 4)
            + checkpoints + 16 + (staging * 9 / 4);
    }
}
