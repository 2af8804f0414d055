using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Diagonal recurrences h_t = a_t h_(t-1) + x_t (diag_scan.cu), real or with one complex factor a channel, forward and backward.</summary>
/// <remarks>Everything is f32; sums have a fixed order. Where to cut time into segments depends on the device's multiprocessors.</remarks>
internal static class DiagonalScanKernels
{
    private const int Threads = 128, CarryThreads = 64;

    // Threads of a multiprocessor whose loads keep memory busy: from some 96 on, the bytes that segments read twice cost more than what waits.
    private const long Enough = 96, Filled = 512;

    // Sequences not worth three launches, segments not worth a step of the carry, and the longest chain of carries.
    private const long Short = 256, Least = 64, MostSegments = 2048;

    /// <summary>Positions of a segment: of the whole sequence where channels and batch fill the device by themselves.</summary>
    /// <param name="device">Where it will run.</param>
    /// <param name="chains">Channels of all batch entries.</param>
    /// <param name="length">Positions, at least 1.</param>
    internal static long Positions(KernelDevice device, long chains, long length)
    {
        if (length <= Short || chains >= Enough * device.Multiprocessors)
        {
            return length;
        }

        long most = Math.Min(MostSegments, KernelTensors.Ceiling(length, Least));
        return KernelTensors.Ceiling(length, Math.Clamp(Filled * device.Multiprocessors / Math.Max(1, chains), 1, most));
    }

    /// <summary>All states and the last one.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What goes in.</param>
    /// <returns>f32 [batch, length, width], and the state behind the last position [batch, width].</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor H, Tensor Last) Forward(KernelDevice device, in DiagonalScanInputs x)
    {
        Tensor h = empty(x.X.shape, float32, x.X.device), last = empty([x.X.size(0), x.X.size(2)], float32, x.X.device);
        using DisposeScope scope = NewDisposeScope();
        Arguments a = Common(device, x);
        a.X = KernelTensors.Dense(x.X, "x", float32, h.shape);
        a.Enter = KernelTensors.Dense(x.State, "the state", float32, last.shape);
        (a.Out, a.Leave) = (h.data_ptr(), last.data_ptr());
        Run(device, x, "gs_diag_fwd", ref a);
        return (h, last);
    }

    /// <summary>Gradients of x, of the state before the first position, and of the factors: of a [batch, length, channels], or of log radius and angle [2, channels].</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">What went in.</param>
    /// <param name="h">What came out.</param>
    /// <param name="dh">Its gradient, contiguous.</param>
    /// <param name="dlast">Gradient of the last state, f32 [batch, width], or null.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static (Tensor Dx, Tensor State, Tensor Factors) Backward(KernelDevice device, in DiagonalScanInputs x, Tensor h, Tensor dh, Tensor? dlast)
    {
        long width = h.size(2);
        Tensor dx = empty(h.shape, float32, h.device), dstate = empty([h.size(0), width], float32, h.device);
        Tensor factors = empty(x.A is null ? [2, width / 2] : h.shape, float32, h.device);
        using DisposeScope scope = NewDisposeScope();
        Arguments a = Common(device, x);
        a.X = KernelTensors.Dense(dh, "h's gradient", float32, x.X.shape);
        a.Enter = KernelTensors.Dense(dlast, "the last state's gradient", float32, dstate.shape);
        a.H = KernelTensors.Dense(h, "h", float32, x.X.shape);
        a.Before = KernelTensors.Dense(x.State, "the state", float32, dstate.shape);
        (a.Out, a.Leave, a.Back) = (dx.data_ptr(), dstate.data_ptr(), 1);
        if (x.A is null)
        {
            Tensor part = empty([h.size(0) * a.Segments, width], float32, h.device);
            a.Part = part.data_ptr();
            Run(device, x, "gs_diag_bwd", ref a);
            RowSumKernels.Run(device, part, factors);
        }
        else
        {
            a.Da = factors.data_ptr();
            Run(device, x, "gs_diag_bwd", ref a);
        }

        return (dx, dstate, factors);
    }

    // Checks what both passes read.
    private static Arguments Common(KernelDevice device, in DiagonalScanInputs x)
    {
        Tensor t = x.X;
        long parts = x.A is null ? 2 : 1;
        if (t.dim() != 3 || t.size(1) < 1 || t.size(2) < 1 || t.size(2) % parts != 0)
        {
            throw new ArgumentException($"the kernels do not take x {t.Describe()}: [batch, length, {(parts == 2 ? "2 " : "")}channels], at least one position and channel");
        }

        (long batch, long length, long channels) = (t.size(0), t.size(1), t.size(2) / parts);
        long positions = x.Positions ?? Positions(device, batch * channels, length);
        long segments = KernelTensors.Ceiling(length, positions), lead = x.Ids is { } own && own.size(1) > length ? 1 : 0;
        KernelTensors.Count(batch * segments * channels + Threads, "channels of all segments");
        var a = new Arguments
        {
            Radius = KernelTensors.Dense(x.LogRadius, "the log radius", float32, channels),
            Angle = KernelTensors.Dense(x.Angle, "the angle", float32, channels),
            Ids = KernelTensors.Dense(x.Ids, "the sequence ids", int32, batch, lead + length),
            Batch = (int)batch,
            Length = KernelTensors.Count(length, "positions"),
            Channels = (int)channels,
            Segments = (int)segments,
            Positions = (int)positions,
            Lead = (int)lead,
        };
        if (x.A is { } factors)
        {
            if (factors.dtype != float32 || !factors.shape.AsSpan().SequenceEqual(t.shape))
            {
                throw new ArgumentException($"the factors must be float32 like x {t.Describe()}, not {factors.Describe()}");
            }

            a.A = factors.data_ptr();
            a.ABatch = factors.stride()[0];
            (a.ARow, a.AChannel) = (Stride(factors, 1), Stride(factors, 2));
        }
        else if (x.LogRadius is null || x.Angle is null)
        {
            throw new ArgumentException("a diagonal scan has factors, or a log radius and an angle");
        }

        return a;
    }

    // A dimension of one may have any stride.
    private static int Stride(Tensor t, int dimension) => t.size(dimension) == 1 ? 0 : KernelTensors.Count(t.stride()[dimension], "elements between factors");

    private static void Run(KernelDevice device, in DiagonalScanInputs x, string walk, ref Arguments a)
    {
        var program = new KernelProgram(["common.cu", "diag_scan.cu"], $"GS_DIAG_COMPLEX={(x.A is null ? 1 : 0)}", $"GS_DIAG_IDS={(x.Ids is null ? 0 : 1)}");
        long chains = (long)a.Batch * a.Channels;
        if (a.Segments > 1)
        {
            long[] shape = [a.Batch, a.Segments, x.X.size(2)];
            Tensor through = empty(shape, float32, x.X.device), ends = empty(shape, float32, x.X.device);
            (a.Through, a.Ends) = (through.data_ptr(), ends.data_ptr());
            device.Launch(device.Function(program, "gs_diag_ends", Threads), (KernelTensors.Ceiling(chains * (a.Segments - 1), Threads), 1, 1), a);
            device.Launch(device.Function(program, "gs_diag_carry", CarryThreads), (KernelTensors.Ceiling(chains, CarryThreads), 1, 1), a);
        }

        device.Launch(device.Function(program, walk, Threads), (KernelTensors.Ceiling(chains * a.Segments, Threads), 1, 1), a);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint A, Radius, Angle, Ids, X, Enter, Leave, Out, H, Before, Da, Part, Through, Ends;
        public long ABatch;
        public int ARow, AChannel, Batch, Length, Channels, Segments, Positions, Lead, Back, Pad;
    }
}

/// <summary>What a diagonal recurrence reads; see <see cref="DiagonalScanKernels"/>.</summary>
/// <param name="X">f32 [batch, length, width], contiguous: width channels, or 2 channels, real parts and then imaginary ones.</param>
internal readonly record struct DiagonalScanInputs(Tensor X)
{
    /// <summary>Real: f32 like x, with any strides, 0 too; null: complex.</summary>
    internal Tensor? A { get; init; }

    /// <summary>Complex: logarithm of the factors' magnitude, f32 [channels].</summary>
    internal Tensor? LogRadius { get; init; }

    /// <summary>Complex: the factors' angle, f32 [channels].</summary>
    internal Tensor? Angle { get; init; }

    /// <summary>State before the first position, f32 [batch, width], contiguous; null: zeros.</summary>
    internal Tensor? State { get; init; }

    /// <summary>int32 [batch, length], or [batch, 1 + length] beginning one position earlier; contiguous; null: one sequence.</summary>
    internal Tensor? Ids { get; init; }

    /// <summary>Positions of a segment; null: <see cref="DiagonalScanKernels.Positions"/>.</summary>
    internal long? Positions { get; init; }
}
