using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Launches of the forward scan's kernels: programs, grids, shared memory.</summary>
internal static class ScanForwardLaunch
{
    private const int TileSteps = 128;
    private const int N = ScanShape.States;

    /// <summary>All scans at once.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="shape">The scans.</param>
    /// <param name="rank">Of dt, which the kernels project; 0 where raw step sizes are given.</param>
    /// <param name="arguments">Tensors; the rest is filled in.</param>
    /// <param name="plan">How.</param>
    /// <param name="checkpointSteps">Steps between checkpoints.</param>
    /// <param name="known">Segments of an earlier scan of the same inputs and plan, or null.</param>
    /// <param name="keep">Return the segments, if there is more than one.</param>
    internal static ScanSegments? All(KernelDevice device, ScanShape shape, int rank, ref ScanForwardArguments arguments, ScanPlan plan, int checkpointSteps,
        ScanSegments? known, bool keep)
    {
        if (plan.Segments == 0)
        {
            Chain(device, shape, ref arguments, plan, checkpointSteps);
            return null;
        }

        using DisposeScope scope = NewDisposeScope();
        ScanSegments? found = Cut(device, shape, rank, ref arguments, plan, known);
        Serial(device, shape, rank, arguments, gated: false, checkpointSteps);
        return keep ? found?.MoveToOuterDisposeScope() : null;
    }

    /// <summary>One direction after the other; the last one adds the first and goes through the gate.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="shape">The scans.</param>
    /// <param name="rank">As for <see cref="All"/>.</param>
    /// <param name="arguments">Tensors; the rest is filled in.</param>
    /// <param name="plan">How.</param>
    /// <param name="checkpointSteps">Steps between checkpoints.</param>
    /// <param name="keep">As for <see cref="All"/>.</param>
    internal static ScanSegments? Gated(KernelDevice device, ScanShape shape, int rank, ref ScanForwardArguments arguments, ScanPlan plan,
        int checkpointSteps, bool keep)
    {
        using DisposeScope scope = NewDisposeScope();
        ScanSegments? found = Cut(device, shape, rank, ref arguments, plan, null);
        ScanForwardArguments one = arguments;
        one.ScanCount = 1;
        for (int i = 0; i < shape.Scans; i++)
        {
            one.Scans[0] = arguments.Scans[i];
            Serial(device, shape, rank, one, gated: i == shape.Scans - 1, checkpointSteps);
        }

        return keep ? found?.MoveToOuterDisposeScope() : null;
    }

    private static long Warps(ScanShape shape, int scans) => (long)scans * shape.Batch * shape.Strips;

    // Segments of time and, if there is more than one, the state at the end of each: what is known, or what the pre-pass finds.
    private static ScanSegments? Cut(KernelDevice device, ScanShape shape, int rank, ref ScanForwardArguments arguments, ScanPlan plan, ScanSegments? known)
    {
        (arguments.Segments, arguments.Steps) = plan.Cut(shape.Length);
        if (arguments.Segments == 1)
        {
            return null;
        }

        ScanSegments segments = known ?? ScanSegments.Allocate(shape, plan);
        segments.PointAt(shape, ref arguments);
        if (known is null)
        {
            Ends(device, shape, rank, arguments);
        }

        return known is null ? segments : null;
    }

    /// <summary>
    /// Each segment's end state from zero, f32 [batch, segments + 1, d_inner, d_state], and its sum of delta [batch, segments + 1, d_inner], of
    /// one scan whose length is so many equal segments of whole blocks of 16 steps; the last of each is not filled.
    /// </summary>
    internal static (Tensor Ends, Tensor Sums) AllEnds(KernelDevice device, ScanShape shape, int rank, ref ScanForwardArguments arguments, int segments)
    {
        // The kernel leaves the last segment out; with one more than there are, it leaves out none.
        (arguments.Segments, arguments.Steps) = (segments + 1, shape.Length / segments);
        Tensor ends = empty([shape.Batch, segments + 1, shape.Channels, N], float32, shape.Device);
        Tensor sums = empty([shape.Batch, segments + 1, shape.Channels], float32, shape.Device);
        (arguments.Scans[0].Ends, arguments.Scans[0].Sums) = (ends.data_ptr(), sums.data_ptr());
        Ends(device, shape, rank, arguments);
        return (ends, sums);
    }

    /// <summary>The state behind all segments.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="shape">The scan.</param>
    /// <param name="ends">From <see cref="AllEnds"/>.</param>
    /// <param name="sums">From <see cref="AllEnds"/>.</param>
    /// <param name="segments">How many.</param>
    /// <param name="direction">The scan: A, and the state before.</param>
    /// <param name="state">f32 [batch, d_inner, d_state]; written.</param>
    /// <param name="felt">i32 [1], or null: set to 1 where the state before is felt at the end.</param>
    internal static void Join(KernelDevice device, ScanShape shape, Tensor ends, Tensor sums, int segments, ScanDirection direction, Tensor state, Tensor? felt)
    {
        var a = new JoinArguments
        {
            Ends = shape.Dense(ends, "the segments' end states", shape.Batch, segments + 1, shape.Channels, N),
            Sums = shape.Dense(sums, "the segments' sums", shape.Batch, segments + 1, shape.Channels),
            A = shape.Dense(direction.A, "A", shape.Channels, N),
            Before = shape.Dense(direction.InitialState, "the initial state", shape.StateSize),
            State = shape.Dense(state, "the last state", shape.StateSize),
            Felt = felt is null ? 0 : KernelTensors.Dense(felt, "what is felt", int32, 1),
            Segments = segments,
            Spacing = segments + 1,
            Channels = shape.Channels,
        };
        KernelFunction join = device.Function(new KernelProgram(["common.cu", "scan_fwd_args.cu", "scan_join.cu"], [.. shape.Definitions]), "gs_scan_join", 128);
        device.Launch(join, (KernelTensors.Ceiling((long)shape.Channels * N, 128), shape.Batch, 1), a);
    }

    private static void Ends(KernelDevice device, ScanShape shape, int rank, in ScanForwardArguments arguments)
    {
        KernelFunction ends = device.Function(Program("scan_ends.cu", shape, Rank(rank)), "gs_scan_ends", 32, EndsShared(shape.ElementSize, rank));
        device.Launch(ends, (Warps(shape, shape.Scans) * (arguments.Segments - 1), 1, 1), arguments);
    }

    private static void Serial(KernelDevice device, ScanShape shape, int rank, in ScanForwardArguments arguments, bool gated, int checkpointSteps)
    {
        string[] gate = gated ? ["GS_SCAN_GATE=1"] : [];
        string[] keeping = arguments.Scans[0].DeltaOut != 0 ? ["GS_KEEP_DELTA=1"] : [];
        string[] definitions = [.. Rank(rank), .. gate, .. keeping, Every(checkpointSteps)];
        KernelFunction main = device.Function(Program("scan_fwd_serial.cu", shape, definitions), "gs_scan_fwd_serial", 32, SerialShared(shape.ElementSize, rank));
        device.Launch(main, (Warps(shape, arguments.ScanCount) * arguments.Segments, 1, 1), arguments);
    }

    private static void Chain(KernelDevice device, ScanShape shape, ref ScanForwardArguments arguments, ScanPlan plan, int checkpointSteps)
    {
        KernelFunction chain = device.Function(
            Program("scan_fwd_chain.cu", shape, Every(checkpointSteps)), "gs_scan_fwd_chain", 128, ChainShared(shape.ElementSize, checkpointSteps));
        arguments.Tiles = (shape.Length + TileSteps - 1) / TileSteps;
        arguments.Groups = plan.Groups;
        long chains = (long)shape.Scans * shape.Batch * shape.Chunks;
        (arguments.Ticket, arguments.Ring) = ScanWorkspace.Get(shape.Device, ChainWords(chains), out Tensor keep);
        long total = arguments.Tiles * (long)shape.Scans * shape.Batch * ((shape.Chunks + plan.Groups - 1) / plan.Groups);
        device.Launch(chain, (Math.Min(total, (long)device.Multiprocessors * chain.BlocksPerMultiprocessor), 1, 1), arguments);
        GC.KeepAlive(keep);
    }

    private static KernelProgram Program(string file, ScanShape shape, params string[] definitions) =>
        new(["common.cu", "scan_fwd_args.cu", "scan_fwd_project.cu", file], [.. shape.Definitions, .. definitions]);

    private static string Every(int checkpointSteps) => $"GS_CK_STEPS={checkpointSteps}";

    private static string[] Rank(int rank) => rank == 0 ? [] : [$"GS_DT_RANK={rank}"];

    /// <summary>Words of the chains: 4 slots of N states of 16 channels each, and a margin for reading ahead.</summary>
    private static long ChainWords(long chains) => (chains * 4 * N * 16) + 64;

    /// <summary>P_WEIGHTS of scan_fwd_project.cu.</summary>
    private static int Weights(int rank) => (rank + 15) / 16 * 1024;

    /// <summary>S_SMEM of scan_fwd_serial.cu: 3 stages of 8 steps; delta and delta u, B and C in single precision, twice; weights of dt, bias.</summary>
    private static int SerialShared(int elementSize, int rank) =>
        (3 * ((2 * 8 * (32 + N) * elementSize) + (16 * rank))) + (2 * 8 * 72 * 4) + (2 * 8 * 2 * N * 4) + Weights(rank) + 128;

    /// <summary>E_SMEM of scan_ends.cu: two stages of 16 steps; B in single precision; distances and delta u; sums; weights of dt.</summary>
    private static int EndsShared(int elementSize, int rank) =>
        (2 * ((16 * ((rank > 0 ? 32 : 64) + N) * elementSize) + (32 * rank))) + (16 * N * 4) + (16 * 36 * 8) + 128 + (N * 128) + Weights(rank);

    /// <summary>C_SMEM of scan_fwd_chain.cu.</summary>
    private static int ChainShared(int elementSize, int checkpointSteps)
    {
        int stage = 2 * 8 * ((16 * 16 * elementSize) + 16);
        return (2 * N * 8 * 20 * 4) + (3 * N * 16 * 4) + (8 * ((16 / checkpointSteps * N * 16 * elementSize) + 16)) + 16 + (2 * stage);
    }

    /// <summary>GsJoin of scan_join.cu.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct JoinArguments
    {
        public nint Ends, Sums, A, Before, State, Felt;
        public int Segments, Spacing, Channels, Pad;
    }
}
