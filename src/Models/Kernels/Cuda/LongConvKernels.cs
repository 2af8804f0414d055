using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>A factor exp2(t rate) + shift of positions t.</summary>
/// <param name="Rate">f32 [channels].</param>
/// <param name="Shift">Of all channels.</param>
internal readonly record struct LineWindow(Tensor Rate, float Shift);

/// <summary>
/// What a long convolution is besides Fourier transforms (long_conv.cu). Activations are [batch, length, channels], bf16 or f32 with
/// evenly spaced rows; lines are f32 [batch, channels, 2 n], zeros behind the length; spectra are complex [batch, channels, n], the
/// transforms of lines seen as n complex numbers.
/// </summary>
internal static class LongConvKernels
{
    private const int Threads = 256, Positions = 64, Channels = 32;
    private static readonly KernelProgram s_bf16 = new(["common.cu", "long_conv.cu"]);
    private static readonly KernelProgram s_f32 = new(["common.cu", "long_conv.cu"], "GS_F32_IO=1");

    /// <summary>line = a v, or a, times the window where there is one.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="a">[batch, length, channels].</param>
    /// <param name="v">The same, or null.</param>
    /// <param name="line">Overwritten.</param>
    /// <param name="clean">Zeros stand behind the length already.</param>
    /// <param name="window">A factor of each channel and position, or null.</param>
    internal static void Enter(KernelDevice device, Tensor a, Tensor? v, Tensor line, bool clean, LineWindow? window = null)
    {
        Arguments p = Common(a, line);
        Bind(ref p, window);
        (p.A, p.AStride) = KernelRows.Of(a, "a", a.dtype, a.shape);
        (p.V, p.VStride) = KernelRows.Of(v, "v", a.dtype, a.shape);
        p.Row0 = line.data_ptr();
        Enter(device, a, p, clean);
    }

    /// <summary>line = a v (where wanted), dline = d g, dg = d s.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="gates">g, a, v.</param>
    /// <param name="d">Gradient of g y.</param>
    /// <param name="s">y.</param>
    /// <param name="dg">Overwritten.</param>
    /// <param name="line">Overwritten, or null.</param>
    /// <param name="dline">Overwritten.</param>
    /// <param name="clean">Zeros stand behind the length already.</param>
    internal static void EnterBackward(KernelDevice device, (Tensor G, Tensor A, Tensor V) gates, Tensor d, Tensor s, Tensor dg, Tensor? line, Tensor dline, bool clean)
    {
        Arguments p = Common(d, dline);
        if (line is not null)
        {
            Common(d, line);
            (p.A, p.AStride) = KernelRows.Of(gates.A, "a", d.dtype, d.shape);
            (p.V, p.VStride) = KernelRows.Of(gates.V, "v", d.dtype, d.shape);
            p.Row0 = line.data_ptr();
        }

        (p.G, p.GStride) = KernelRows.Of(gates.G, "g", d.dtype, d.shape);
        (p.D, p.DStride) = KernelRows.Of(d, "the output's gradient", d.dtype, d.shape);
        (p.S, p.SStride) = KernelRows.Of(s, "y", d.dtype, d.shape);
        (p.Out0, p.Out0Stride) = KernelRows.Of(dg, "g's gradient", d.dtype, d.shape);
        p.Row1 = dline.data_ptr();
        Enter(device, d, p, clean);
    }

    /// <summary>first = line a (or the line), second = line v (or the line).</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="line">[batch, channels, 2 n] f32.</param>
    /// <param name="a">[batch, length, channels], or null.</param>
    /// <param name="first">Overwritten.</param>
    /// <param name="v">[batch, length, channels], or null.</param>
    /// <param name="second">Overwritten, or null.</param>
    /// <param name="window">A factor of the line, or null.</param>
    internal static void Leave(KernelDevice device, Tensor line, Tensor? a, Tensor first, Tensor? v, Tensor? second, LineWindow? window = null)
    {
        Arguments p = Common(first, line);
        Bind(ref p, window);
        p.Row0 = line.data_ptr();
        (p.A, p.AStride) = KernelRows.Of(a, "a", first.dtype, first.shape);
        (p.V, p.VStride) = KernelRows.Of(v, "v", first.dtype, first.shape);
        (p.Out0, p.Out0Stride) = KernelRows.Of(first, "the first output", first.dtype, first.shape);
        (p.Out1, p.Out1Stride) = KernelRows.Of(second, "the second output", first.dtype, first.shape);
        device.Launch(Function(device, first.dtype, "gs_long_leave"), Grid(p, p.Length, first.size(0)), p);
    }

    /// <summary>Spectrum of k * z over the number of its frequencies, so that an inverse transform without a factor gives k * z.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="z">[batch, channels, n].</param>
    /// <param name="k">[channels, n].</param>
    /// <param name="y">Overwritten; may be z.</param>
    internal static void Multiply(KernelDevice device, Tensor z, Tensor k, Tensor y)
    {
        Spectra p = Common(z, k, y);
        device.Launch(Function(device, float32, "gs_long_multiply"), (Blocks(p), p.Channels, p.Batch), p);
    }

    /// <summary>The gradient of y becomes that of z, and k's is made, both as <see cref="Multiply"/> scales.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="z">[batch, channels, n].</param>
    /// <param name="k">[channels, n].</param>
    /// <param name="dy">Overwritten.</param>
    /// <param name="dk">Overwritten: [channels, n], summed over the batch.</param>
    internal static void MultiplyBackward(KernelDevice device, Tensor z, Tensor k, Tensor dy, Tensor dk)
    {
        Spectra p = Common(z, k, dy);
        p.Dk = Complex(dk, "k's gradient", k.shape);
        device.Launch(Function(device, float32, "gs_long_multiply_bwd"), (Blocks(p), p.Channels, 1), p);
    }

    private static void Enter(KernelDevice device, Tensor like, in Arguments p, bool clean)
    {
        // The last block of positions writes what stands behind the length in it anyway.
        long positions = clean ? p.Length : p.Pitch;
        device.Launch(Function(device, like.dtype, "gs_long_enter"), Grid(p, positions, like.size(0)), p);
    }

    private static Arguments Common(Tensor activation, Tensor line)
    {
        (long batch, long length, long channels) = (activation.size(0), activation.size(1), activation.size(2));
        if (line.dim() != 3 || line.size(2) < length)
        {
            throw new ArgumentException($"a line must be [{batch}, {channels}, at least {length}], not {line.Describe()}");
        }

        KernelTensors.Dense(line, "a line", float32, batch, channels, line.size(2));
        return new Arguments
        {
            Length = KernelTensors.Count(length, "positions"),
            Channels = KernelRows.Channels(channels),
            Pitch = KernelTensors.Count(line.size(2), "places of a line"),
        };
    }

    private static void Bind(ref Arguments p, LineWindow? window)
    {
        if (window is { } w)
        {
            p.Rate = KernelTensors.Dense(w.Rate, "the window's rates", float32, p.Channels);
            p.Shift = w.Shift;
        }
    }

    private static Spectra Common(Tensor z, Tensor k, Tensor y) => new()
    {
        Z = Complex(z, "z", z.shape),
        K = Complex(k, "k", z.shape[1..]),
        Y = Complex(y, "y", z.shape),
        Batch = KernelTensors.Count(z.size(0), "batch entries"),
        Channels = KernelTensors.Count(z.size(1), "channels"),
        N = KernelTensors.Count(z.size(2), "frequencies"),
        Scale = (float)(1.0 / z.size(2)),
    };

    // libtorch's complex single precision is no element type of this binding's: only its size is checked.
    private static nint Complex(Tensor t, string name, long[] size) => (int)t.dtype == ComplexFloat && t.is_contiguous() && t.shape.AsSpan().SequenceEqual(size)
        ? t.data_ptr()
        : throw new ArgumentException($"{name} must be a contiguous complex [{string.Join(", ", size)}], not [{string.Join(", ", t.shape)}]");

    private const int ComplexFloat = 9;

    private static (long X, long Y, long Z) Grid(in Arguments p, long positions, long batch) =>
        (KernelTensors.Ceiling(positions, Positions), KernelTensors.Ceiling(p.Channels, Channels), batch);

    private static long Blocks(in Spectra p) => KernelTensors.Ceiling((p.N / 2) + 1, Threads);

    private static KernelFunction Function(KernelDevice device, ScalarType type, string entry)
    {
        KernelTensors.Definitions(type, "the gate");
        return device.Function(type == float32 ? s_f32 : s_bf16, entry, Threads);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint A, V, D, G, S, Out0, Out1, Row0, Row1;
        public long AStride, VStride, DStride, GStride, SStride, Out0Stride, Out1Stride;
        public nint Rate;
        public int Length, Channels, Pitch;
        public float Shift;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Spectra
    {
        public nint Z, K, Y, Dk;
        public int Batch, Channels, N;
        public float Scale;
    }
}
