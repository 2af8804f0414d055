using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>States between the chunks of a recurrence (state_pass.cu), in order: h_(c+1) = through_c h_c + own_c.</summary>
internal static class StatePassKernels
{
    private const int MostSegments = 64;
    private const int Columns = 64;

    // A chunk behind the one before, what one more launch takes before its first state arrives, and a segment's joining of one before it.
    private const double Chain = 1.75;
    private const int LaunchChunks = 256;
    private const int JoinChunks = 8;

    /// <summary>As many segments on this thread, whatever they cost; 0: as many as take the least time. For tests.</summary>
    [field: ThreadStatic]
    internal static int ForcedSegments { get; set; }

    /// <summary>Replaces what each chunk adds by the state before it; on the way back by the gradient of the state behind it.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="states">[batch, chunks, ..., p], bf16 or f32, contiguous, 16 m elements a chunk; overwritten.</param>
    /// <param name="through">f32 [batch, chunks, ...], contiguous: each number for as many neighbouring elements of a state, a multiple of 16.</param>
    /// <param name="before">f32 [batch, ..., p]: the state before the first chunk, or the gradient of the last state; null: zeros.</param>
    /// <param name="last">f32 of the same shape, written: the state behind the last chunk, or the gradient of the first state.</param>
    /// <param name="back">From the last chunk to the first.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static void Run(KernelDevice device, Tensor states, Tensor through, Tensor? before, Tensor last, bool back)
    {
        (long batch, long chunks) = (states.size(0), states.size(1));
        long[] entry = [batch, .. states.shape[2..]];
        var a = new Arguments
        {
            States = KernelTensors.Dense(states, "the states", states.dtype, states.shape),
            Through = KernelTensors.Dense(through, "what is left of states", float32, through.shape),
            Before = KernelTensors.Dense(before, back ? "the last state's gradient" : "the state", float32, entry),
            Last = KernelTensors.Dense(last, "the last state", float32, entry),
            Chunks = KernelTensors.Count(chunks, "chunks"),
            Count = KernelTensors.Count(states.numel() / Math.Max(1, batch * chunks), "elements of a state"),
            Back = back ? 1 : 0,
        };
        a.Share = (int)(states.numel() / Math.Max(1, through.numel()));
        if (a.Share % 16 != 0 || a.Share * through.numel() != states.numel() || (a.States & 15) != 0)
        {
            throw new ArgumentException($"{through.Describe()} does not share out {states.Describe()}, which lies at a multiple of 16 bytes, in multiples of 16");
        }

        int size = states.dtype.ElementSize();
        var program = new KernelProgram(["common.cu", "split_mma.cu", "tiles.cu", "state_pass.cu"], KernelTensors.Definitions(states.dtype, "the states"));

        // What the file has in flight: 16 groups of 32 / size chunks, 64 elements and 4 numbers of each.
        KernelFunction function = device.Function(program, "gs_state_pass", 32, 16 * 32 / size * ((Columns * size) + 16));
        long warps = KernelTensors.Ceiling(a.Count, Columns);
        a.Segments = ForcedSegments > 0 ? (int)Math.Min(ForcedSegments, chunks) : Segments(batch * warps, chunks, size, device.Multiprocessors);
        using DisposeScope scope = NewDisposeScope();
        if (a.Segments > 1)
        {
            Tensor ends = empty([batch, a.Segments - 1, a.Count], float32, states.device);
            Tensor turns = empty([batch, a.Segments - 1, a.Count / 2], float32, states.device);
            (a.Ends, a.Turns, a.Finding) = (ends.data_ptr(), turns.data_ptr(), 1);
            device.Launch(function, (warps, a.Segments - 1, batch), a);
            a.Finding = 0;
        }

        device.Launch(function, (warps, a.Segments, batch), a);
    }

    /// <summary>
    /// How many segments take the least time, in units of 13 ns in which the memory reads and writes 64 elements of two bytes for every multiprocessor, or reads
    /// twice as many: a warp takes a chunk in no less than <see cref="Chain"/> of them (measured: 22 ns); segments are read twice and written once.
    /// </summary>
    /// <param name="warps">Warps that a segment takes in all batch entries.</param>
    /// <param name="chunks">Chunks of a sequence.</param>
    /// <param name="size">Bytes of an element.</param>
    /// <param name="processors">Multiprocessors of the device.</param>
    internal static int Segments(long warps, long chunks, int size, int processors)
    {
        double share = warps * size / (2.0 * processors), best = chunks * Math.Max(Chain, share);
        int segments = 1;
        for (int s = 2; s <= Math.Min(MostSegments, chunks); s++)
        {
            double time = (KernelTensors.Ceiling(chunks, s) * (Math.Max(Chain, share * (s - 1) / 2) + Math.Max(Chain, share * s))) + LaunchChunks + (JoinChunks * (s - 1));
            if (time < best)
            {
                (best, segments) = (time, s);
            }
        }

        return segments;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint States, Through, Before, Last, Ends, Turns;
        public int Chunks, Count, Share, Segments, Back, Finding;
    }
}
