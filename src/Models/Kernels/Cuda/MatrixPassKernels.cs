using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// States between the chunks of a recurrence whose chunks turn states by matrices (matrix_pass.cu): for each head
/// Z = Z' + B1 S, S_out = diag(through) S + B2^T Z + B3^T Y; or with states [M; S] of two halves, M_out = m M + x S + .., S_out = e S + ...
/// </summary>
internal static class MatrixPassKernels
{
    private const int MostSegments = 64;

    /// <summary>Runs through the chunks.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What goes in.</param>
    /// <param name="states">[batch, chunks, heads, n, p], contiguous, of the rows' type; overwritten by the state before each chunk.</param>
    /// <returns>The state behind the last chunk, f32 [batch, heads, n, p].</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Tensor Run(KernelDevice device, in MatrixPassInputs x, Tensor states)
    {
        ScalarType type = x.Rows.dtype;
        (long batch, long length, long heads, long n, long p) = (x.Rows.size(0), x.Rows.size(1), x.Rows.size(2), x.First.size(3), x.Rows.size(3));
        long chunks = KernelTensors.Ceiling(length, x.Chunk);
        long[] keys = [batch, length, heads, n], values = [batch, length, heads, p], entry = [batch, heads, n, p];
        Leaves leaves = x.Through.dim() != 4 ? Leaves.State : x.Coupled ? Leaves.Halves : Leaves.Rows;
        Tensor last = empty(entry, float32, x.Rows.device);
        var a = new Arguments
        {
            First = KernelTensors.Dense(x.First, "the first matrices", type, keys),
            Second = KernelTensors.Dense(x.Second, "the second matrices", type, keys),
            Rows = KernelTensors.Dense(x.Rows, "the rows", type, values),
            Through = KernelTensors.Dense(x.Through, "what is left of states", float32,
                leaves == Leaves.State ? [batch, chunks, heads] : [batch, chunks, heads, leaves == Leaves.Rows ? n : 4]),
            Before = KernelTensors.Dense(x.Before, x.Back ? "the last state's gradient" : "the state", float32, entry),
            Last = last.data_ptr(),
            States = KernelTensors.Dense(states, "the states", type, batch, chunks, heads, n, p),
            Length = KernelTensors.Count(length, "positions"),
            Chunks = KernelTensors.Count(chunks, "chunks"),
            Heads = KernelTensors.Count(heads, "heads"),
            Reverse = x.Reverse ? 1 : 0,
            Back = x.Back ? 1 : 0,
            Keep = x.Keep ? 1 : 0,
        };
        if (x.Third is not null)
        {
            (a.Third, a.ThirdStride) = KernelRows.Of(SsdKernels.Flat(x.Third), "the third matrices", type, [batch, length, heads * n]);
            (a.More, a.MoreStride) = KernelRows.Of(SsdKernels.Flat(x.More!), "the third matrices' rows", type, [batch, length, heads * p]);
        }

        using DisposeScope scope = NewDisposeScope();
        KernelFunction function = Function(device, type, x.Chunk, (int)n, (int)p, x.Third is not null, leaves);
        a.Segments = Segments(x.Chunk, batch * heads, chunks, (long)device.Multiprocessors * function.BlocksPerMultiprocessor);
        if (a.Segments > 1)
        {
            Tensor ends = empty([batch, a.Segments - 1, heads, n, p], float32, states.device);
            Tensor turns = empty([batch, a.Segments - 1, heads, n, n], float32, states.device);
            (a.Ends, a.Turns, a.Finding) = (ends.data_ptr(), turns.data_ptr(), 1);
            device.Launch(function, (2 * (a.Segments - 1), heads, batch), a);
            a.Finding = 0;
        }

        device.Launch(function, (a.Segments, heads, batch), a);
        return last;
    }

    /// <summary>
    /// How many segments take the least time, in chunks that follow one another: segments go through their chunks twice, the first time with as many
    /// blocks again for their matrices, and each joins those before it, a map taking as long as 128 positions.
    /// </summary>
    /// <param name="chunk">Positions of a chunk.</param>
    /// <param name="entries">Heads of all batch entries.</param>
    /// <param name="chunks">Chunks of a sequence.</param>
    /// <param name="slots">Blocks that run at once.</param>
    internal static int Segments(int chunk, long entries, long chunks, long slots)
    {
        long best = KernelTensors.Ceiling(entries, slots) * chunks;
        int segments = 1;
        for (int s = 2; s <= Math.Min(MostSegments, chunks); s++)
        {
            long rounds = KernelTensors.Ceiling(2 * entries * (s - 1), slots) + KernelTensors.Ceiling(entries * s, slots);
            long time = (rounds * KernelTensors.Ceiling(chunks, s)) + (128 / chunk * (s - 1));
            if (time < best)
            {
                (best, segments) = (time, s);
            }
        }

        return segments;
    }

    private static KernelFunction Function(KernelDevice device, ScalarType type, int chunk, int n, int p, bool third, Leaves leaves)
    {
        // What the file calls M_THREADS and M_SMEM.
        (int size, int warps) = (type.ElementSize(), Math.Max(n, p) / 16);
        int keys = chunk * ((n * size) + 16), values = chunk * ((p * size) + 16);
        int stage = third ? (3 * keys) + (2 * values) : (2 * keys) + values;
        int stages = 8 * stage <= 96 * 1024 ? 8 : 4 * stage <= 96 * 1024 ? 4 : 3 * stage <= 160 * 1024 ? 3 : 2;
        int columns = 16 * Math.Min(n / 16, 4) * ((16 * size) + 16);
        var program = new KernelProgram(["common.cu", "split_mma.cu", "tiles.cu", "turned.cu", "matrix_pass.cu"],
            KernelTensors.Definitions(type, "the rows", $"GS_PASS_Q={chunk}", $"GS_PASS_N={n}", $"GS_PASS_P={p}", $"GS_PASS_THIRD={(third ? 1 : 0)}",
                $"GS_PASS_ROWS={(int)leaves}"));
        return device.Function(program, "gs_matrix_pass", 32 * warps, (stages * stage) + (warps * columns));
    }

    // What a chunk leaves of a state: a number for all of it, for each row, or three for states of two halves.
    private enum Leaves
    {
        State,
        Rows,
        Halves,
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint First, Second, Third, Rows, More, Through, Before, Last, States, Ends, Turns;
        public long ThirdStride, MoreStride;
        public int Length, Chunks, Heads, Segments, Reverse, Back, Keep, Finding;
    }
}

/// <summary>What <see cref="MatrixPassKernels"/> reads; every tensor is contiguous.</summary>
/// <param name="Chunk">Positions of a chunk, a multiple of 16.</param>
/// <param name="First">B1: [batch, length, heads, n], bf16 or f32; n a multiple of 16 up to 128.</param>
/// <param name="Second">B2: the same.</param>
/// <param name="Rows">Z': [batch, length, heads, p] of the same type; p a multiple of 16 up to 128. With <see cref="Keep"/> replaced by Z.</param>
/// <param name="Through">
/// f32 [batch, chunks, heads], or [batch, chunks, heads, n]: what is left of a state, or of each of its rows; or, <see cref="Coupled"/>, m, x, e and 0:
/// [batch, chunks, heads, 4].
/// </param>
internal readonly record struct MatrixPassInputs(int Chunk, Tensor First, Tensor Second, Tensor Rows, Tensor Through)
{
    /// <summary>States are [M; S] of n / 2 rows each.</summary>
    internal bool Coupled { get; init; }

    /// <summary>B3, like B1, or null: nothing is added by it; rows evenly spaced.</summary>
    internal Tensor? Third { get; init; }

    /// <summary>Y, like Z', where there is B3; rows evenly spaced.</summary>
    internal Tensor? More { get; init; }

    /// <summary>State before the first chunk on the way, f32 [batch, heads, n, p]; null: zeros.</summary>
    internal Tensor? Before { get; init; }

    /// <summary>From the last chunk to the first.</summary>
    internal bool Back { get; init; }

    /// <summary>Positions are counted from the last row to the first.</summary>
    internal bool Reverse { get; init; }

    /// <summary>Whether Z is wanted.</summary>
    internal bool Keep { get; init; }
}
