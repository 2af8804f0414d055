using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// The selective scan's forward pass: a warp runs 32 channels serially (scan_fwd_serial.cu). Where channels are few, time is cut into
/// segments, whose end states a pre-pass finds (scan_ends.cu), or tiles of time are chained (scan_fwd_chain.cu).
/// </summary>
internal static class ScanForwardKernels
{
    private const int TileSteps = 128;
    private const int N = ScanShape.States;

    /// <summary>Runs up to 4 scans of equal shape in one launch.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="directions">The scans.</param>
    /// <param name="ids">Sequence ids [batch, length], i32: the state is cleared where the id changes; null for one sequence.</param>
    /// <param name="keepCheckpoints">Save what the backward pass needs.</param>
    /// <param name="wantFinalState">Return the state after the last step.</param>
    /// <param name="plan">How; null to choose by shape.</param>
    /// <param name="checkpointSteps">Steps between checkpoints: <see cref="ScanShape.CheckpointSteps"/> or <see cref="ScanShape.DenseSteps"/>.</param>
    /// <exception cref="ArgumentException">A size, type, stride or device does not fit.</exception>
    internal static ScanForwardResult Run(
        KernelDevice device, ReadOnlySpan<ScanDirection> directions, Tensor? ids, bool keepCheckpoints, bool wantFinalState, ScanPlan? plan = null,
        int checkpointSteps = ScanShape.CheckpointSteps)
    {
        ScanShape shape = ScanShape.Of(directions, ids);
        var y = new Tensor[shape.Scans];
        Tensor[]? checkpoints = keepCheckpoints ? new Tensor[shape.Scans] : null;
        Tensor[]? final = wantFinalState ? new Tensor[shape.Scans] : null;
        ScanForwardArguments arguments = Inputs(shape, directions, ids);
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

            if (final is not null)
            {
                final[i] = shape.IsEmpty ? Unchanged(shape, directions[i]) : empty(shape.StateSize, float32, shape.Device);
                scan.FinalState = final[i].data_ptr();
            }
        }

        if (!shape.IsEmpty)
        {
            Launch(device, shape, ref arguments, plan, keepCheckpoints ? checkpointSteps : ScanShape.CheckpointSteps);
        }

        return new ScanForwardResult(y, checkpoints, final);
    }

    private static Tensor Unchanged(ScanShape shape, ScanDirection x) =>
        x.InitialState is null ? zeros(shape.StateSize, float32, shape.Device) : x.InitialState.clone();

    private static void Launch(KernelDevice device, ScanShape shape, ref ScanForwardArguments arguments, ScanPlan? wanted, int checkpointSteps)
    {
        ScanPlan plan = wanted ?? ScanPlan.For(shape, device.Multiprocessors, checkpointSteps == ScanShape.DenseSteps);
        if (plan.Segments > 0)
        {
            Serial(device, shape, ref arguments, plan, checkpointSteps);
        }
        else
        {
            Chain(device, shape, ref arguments, plan, checkpointSteps);
        }
    }

    private static void Serial(KernelDevice device, ScanShape shape, ref ScanForwardArguments arguments, ScanPlan plan, int checkpointSteps)
    {
        using DisposeScope scope = NewDisposeScope();
        (int segments, int steps) = plan.Cut(shape.Length);
        (arguments.Segments, arguments.Steps) = (segments, steps);
        int strips = (shape.Channels + 31) / 32;
        long warps = (long)shape.Scans * shape.Batch * strips;
        if (segments > 1)
        {
            for (int i = 0; i < shape.Scans; i++)
            {
                arguments.Scans[i].Ends = empty([shape.Batch, segments, shape.Channels, N], float32, shape.Device).data_ptr();
                arguments.Scans[i].Sums = empty([shape.Batch, segments, shape.Channels], float32, shape.Device).data_ptr();
            }

            KernelFunction ends = device.Function(Program("scan_ends.cu", shape.Definitions), "gs_scan_ends", 32, EndsShared(shape.ElementSize));
            device.Launch(ends, (warps * (segments - 1), 1, 1), arguments);
        }

        KernelFunction main = device.Function(
            Program("scan_fwd_serial.cu", shape.DefinitionsWith(checkpointSteps)), "gs_scan_fwd_serial", 32, SerialShared(shape.ElementSize));
        device.Launch(main, (warps * segments, 1, 1), arguments);
    }

    private static void Chain(KernelDevice device, ScanShape shape, ref ScanForwardArguments arguments, ScanPlan plan, int checkpointSteps)
    {
        KernelFunction chain = device.Function(
            Program("scan_fwd_chain.cu", shape.DefinitionsWith(checkpointSteps)), "gs_scan_fwd_chain", 128, ChainShared(shape.ElementSize, checkpointSteps));
        arguments.Tiles = (shape.Length + TileSteps - 1) / TileSteps;
        arguments.Groups = plan.Groups;
        long chains = (long)shape.Scans * shape.Batch * shape.Chunks;
        (arguments.Ticket, arguments.Ring) = ScanWorkspace.Get(shape.Device, ChainWords(chains), out Tensor keep);
        long total = arguments.Tiles * (long)shape.Scans * shape.Batch * ((shape.Chunks + plan.Groups - 1) / plan.Groups);
        device.Launch(chain, (Math.Min(total, (long)device.Multiprocessors * chain.BlocksPerMultiprocessor), 1, 1), arguments);
        GC.KeepAlive(keep);
    }

    private static KernelProgram Program(string file, string[] definitions) => new(["common.cu", "scan_fwd_args.cu", file], definitions);

    /// <summary>Words of the chains: 4 slots of N states of 16 channels each, and a margin for reading ahead.</summary>
    private static long ChainWords(long chains) => (chains * 4 * N * 16) + 64;

    /// <summary>S_SMEM of scan_fwd_serial.cu: 3 stages of 8 steps of u, delta, B, C; delta and delta u, B and C in single precision, twice.</summary>
    private static int SerialShared(int elementSize) => (3 * 2 * 8 * (32 + N) * elementSize) + (2 * 8 * 80 * 4) + (2 * 8 * 2 * N * 4);

    /// <summary>E_SMEM of scan_ends.cu: two stages of 16 steps of delta, u, B; B in single precision; distances and delta u.</summary>
    private static int EndsShared(int elementSize) => (2 * 16 * ((2 * 32) + N) * elementSize) + (16 * N * 4) + (16 * 36 * 8) + 128;

    /// <summary>C_SMEM of scan_fwd_chain.cu.</summary>
    private static int ChainShared(int elementSize, int checkpointSteps)
    {
        int stage = 2 * 8 * ((16 * 16 * elementSize) + 16);
        return (2 * N * 8 * 20 * 4) + (3 * N * 16 * 4) + (8 * ((16 / checkpointSteps * N * 16 * elementSize) + 16)) + 16 + (2 * stage);
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
                Delta = x.Delta.data_ptr(),
                B = x.B.data_ptr(),
                C = x.C.data_ptr(),
                A = x.A.data_ptr(),
                Skip = x.Skip?.data_ptr() ?? 0,
                Bias = x.DtBias?.data_ptr() ?? 0,
                InitialState = x.InitialState?.data_ptr() ?? 0,
                Ids = ids?.data_ptr() ?? 0,
                UStride = shape.RowStride(x.U, shape.Channels, "u"),
                DeltaStride = shape.RowStride(x.Delta, shape.Channels, "delta"),
                BStride = shape.RowStride(x.B, N, "B"),
                CStride = shape.RowStride(x.C, N, "C"),
                Reverse = x.Reverse ? 1 : 0,
            };
        }

        return arguments;
    }
}
