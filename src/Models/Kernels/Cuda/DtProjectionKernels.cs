using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>One direction of dt_proj's backward pass.</summary>
/// <param name="DDelta">Gradient of delta [batch, length, channels].</param>
/// <param name="Dt">The forward pass's input [batch, length, rank].</param>
/// <param name="Weight">[channels, rank], contiguous.</param>
/// <param name="DDt">Gradient of <paramref name="Dt"/>; overwritten.</param>
internal sealed record DtProjection(Tensor DDelta, Tensor Dt, Tensor Weight, Tensor DDt);

/// <summary>The way back through dt_proj in one pass over delta's gradient (dt_bwd.cu), which two matrix products read twice.</summary>
internal static class DtProjectionKernels
{
    private const int Stages = 3; // GS_DT_STAGES

    /// <summary>Whether the kernel takes this type and size; a pair of matrix products takes all.</summary>
    /// <param name="type">Of the activations.</param>
    /// <param name="channels">Columns of delta.</param>
    /// <param name="rank">Columns of dt.</param>
    internal static bool Takes(ScalarType type, long channels, long rank) =>
        type == ScalarType.BFloat16 && channels % 8 == 0 && rank % 8 == 0 && rank is > 0 and <= 32 && channels <= (rank > 16 ? 512 : 1024);

    /// <summary>ddt = ddelta . weight, and the weight's gradient.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="directions">One or two of equal shape; bf16, rows evenly spaced.</param>
    /// <returns>For each direction the weight's gradient, f32 [channels, rank].</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Tensor[] Backward(KernelDevice device, params ReadOnlySpan<DtProjection> directions)
    {
        if (directions.Length is not (1 or 2)) throw new ArgumentException($"the kernel takes one or two directions, not {directions.Length}", nameof(directions));
        long[] wide = directions[0].DDelta.shape, narrow = directions[0].Dt.shape;
        if (wide.Length != 3 || narrow.Length != 3 || !Takes(directions[0].DDelta.dtype, wide[2], narrow[2]))
        {
            throw new ArgumentException($"the kernel does not take {directions[0].DDelta.Describe()} from {directions[0].Dt.Describe()}", nameof(directions));
        }

        int channels = (int)wide[2], rank = (int)narrow[2], count = directions.Length;
        var a = new Arguments { Rows = KernelTensors.Count(wide[0] * wide[1], "rows"), Channels = channels };
        for (int i = 0; i < count; i++)
        {
            DtProjection p = directions[i];
            ref Direction d = ref Unsafe.Add(ref a.First, i);
            (d.DDelta, d.DDeltaStride) = KernelRows.Of(p.DDelta, "delta's gradient", ScalarType.BFloat16, wide);
            (d.Dt, d.DtStride) = KernelRows.Of(p.Dt, "dt", ScalarType.BFloat16, narrow);
            (d.DDt, d.DDtStride) = KernelRows.Of(p.DDt, "dt's gradient", ScalarType.BFloat16, narrow);
            d.Weight = KernelTensors.Dense(p.Weight, "the weight", ScalarType.BFloat16, channels, rank);
        }

        if (narrow[0] != wide[0] || narrow[1] != wide[1]) throw new ArgumentException("dt and delta must have the same rows", nameof(directions));
        Tensor sums = zeros([count, channels, rank], float32, directions[0].DDelta.device);
        if (a.Rows > 0) Launch(device, ref a, count, rank, sums);
        return [.. Enumerable.Range(0, count).Select(i => sums.select(0, i))];
    }

    private static void Launch(KernelDevice device, ref Arguments a, int count, int rank, Tensor sums)
    {
        using DisposeScope scope = NewDisposeScope();
        int warps = (a.Channels + 63) / 64, tiles = rank / 8, rows = warps > 8 ? 16 : 32;
        int stage = rows * ((warps * 128) + 16 + ((tiles | 1) * 16)); // D_STAGE
        int shared = (Stages * stage) + (32 * warps * (rows / 16 * tiles * 32));
        KernelFunction function = device.Function(
            new KernelProgram(["common.cu", "dt_bwd.cu"], $"GS_DT_RANK={rank}", $"GS_DT_WARPS={warps}", $"GS_DT_ROWS={rows}"),
            "gs_dt_bwd", warps * 32, shared);
        long all = KernelTensors.Ceiling(a.Rows, rows);
        long stretches = KernelTensors.Grid(device, function, all * count) / count;
        a.Stages = (int)KernelTensors.Ceiling(all, Math.Max(stretches, 1));
        stretches = KernelTensors.Ceiling(all, a.Stages);
        Tensor part = empty([stretches, count, a.Channels, rank], float32, sums.device);
        a.Part = part.data_ptr();
        device.Launch(function, (stretches, count, 1), a);
        RowSumKernels.Run(device, part, sums);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Direction
    {
        public nint DDelta, Dt, Weight, DDt;
        public long DDeltaStride, DtStride, DDtStride;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public Direction First, Second;
        public nint Part;
        public int Rows, Channels, Stages, Pad;
    }
}
