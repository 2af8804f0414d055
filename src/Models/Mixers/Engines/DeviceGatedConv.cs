using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// The gated long convolution g (k * (a v)) on a device with kernels, as one operation with a backward pass by hand. A slice of channels
/// at a time: gate and transpose, transform, multiply by the filter's spectrum, transform back, transpose and gate.
/// </summary>
/// <remarks>
/// A line of 2 n real numbers is transformed as n complex ones, and spectra are multiplied in that form (long_conv.cu), so that a transform
/// is a plain complex one without passes before or behind it. What a slice works with stays within <see cref="SliceBytes"/> a tensor, in the
/// device's cache while the length allows it. Backward makes z's gradient and the filter's in the frequencies, the latter summed over the
/// batch there. Spectra are kept for it where they take at most <see cref="KeptBytes"/>, else computed again.
/// Inputs: the gates side by side [batch, length, 3 channels], or g, a and v; k [taps, channels] and the skip [channels] in single precision.
/// </remarks>
internal sealed class DeviceGatedConv(KernelDevice device, bool joined, TapWindow? window = null) : autograd.Function
{
    private static readonly Operator s_transform = new("aten::_fft_c2c"), s_complex = new("aten::view_as_complex"), s_real = new("aten::view_as_real");
    private int _slices;
    private Tensor? _rate;

    /// <summary>Bytes of a slice's spectrum: of 32 channels at 131,072 positions.</summary>
    internal static long SliceBytes { get; set; } = 32 << 20;

    /// <summary>Bytes of one operation's spectra up to which they are kept for the backward pass.</summary>
    internal static long KeptBytes { get; set; } = 1L << 30;

    protected override string Name => "GatedLongConv";

    /// <summary>The device whose kernels take these tensors, or null.</summary>
    internal static KernelDevice? Takes(Tensor x, Tensor k) =>
        x.dtype is bfloat16 or float32 && k.dtype == float32 && k.size(1) % 8 == 0 ? KernelDevices.Of(x) : null;

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor[] gates = [.. inputs[..^2].Select(t => Rows(t!))];
        (Tensor k, Tensor skip) = (inputs[^2]!.contiguous(), inputs[^1]!.contiguous());
        Shape size = Size(gates[0], k);
        (Tensor g, Tensor a, Tensor v) = Gates(gates, size.Channels);
        // Per position and of base 2.
        _rate = window?.Rate.mul(1 / Math.Log(2)).to(float32).contiguous();
        long[] shape = [size.Batch, size.Length, size.Channels];
        Tensor result = empty(shape, g.dtype, g.device);
        Tensor? y = WillDifferentiate ? empty(shape, g.dtype, g.device) : null;
        bool keep = WillDifferentiate && 8 * size.N * size.Channels * (size.Batch + 1) <= KeptBytes;
        var spectra = new List<Tensor>();
        var lines = new Lines();
        for (long c = 0; c < size.Channels; c += size.Slice)
        {
            using DisposeScope scope = NewDisposeScope();
            long count = Math.Min(size.Slice, size.Channels - c);
            Tensor line = lines.Get([size.Batch, count, 2 * size.N], g.device, out bool clean);
            LongConvKernels.Enter(device, Cut(a), Cut(v), line, clean);
            Tensor z = Spectrum(line, size.N);
            Tensor filter = FilterSpectrum(k, skip, size, c, count);
            Tensor product = keep ? empty_like(z) : z;
            LongConvKernels.Multiply(device, z, filter, product);
            LongConvKernels.Leave(device, Line(product), Cut(g), Cut(result), null, y is null ? null : Cut(y));
            if (keep)
            {
                spectra.AddRange([z.MoveToOuterDisposeScope(), filter.MoveToOuterDisposeScope()]);
            }

            Tensor Cut(Tensor t) => t.narrow(2, c, count);
        }

        _slices = spectra.Count / 2;
        save_for_backward([k, skip, y, _rate, .. gates, .. spectra]);
        _rate = null;
        return [result];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        (Tensor k, Tensor skip, Tensor y) = (saved(0)!, saved(1)!, saved(2)!);
        _rate = saved(3);
        Tensor[] gates = [.. Enumerable.Range(4, joined ? 1 : 3).Select(i => saved(i)!)];
        Shape size = Size(gates[0], k);
        (Tensor g, Tensor a, Tensor v) = Gates(gates, size.Channels);
        Tensor d = grad_outputs[0]!.contiguous();
        Tensor[] dgates = Array.ConvertAll(gates, t => empty(t.shape, t.dtype, t.device));
        (Tensor dg, Tensor da, Tensor dv) = Gates(dgates, size.Channels);
        Tensor dk = size.Taps < k.size(0) ? zeros_like(k) : empty_like(k);
        Tensor dskip = empty_like(skip);
        var lines = new Lines();
        for (long c = 0, slice = 0; c < size.Channels; c += size.Slice, slice++)
        {
            using DisposeScope scope = NewDisposeScope();
            long count = Math.Min(size.Slice, size.Channels - c);
            bool kept = _slices > 0;
            Tensor both = lines.Get([kept ? 1 : 2, size.Batch, count, 2 * size.N], d.device, out bool clean);
            Tensor dline = both.select(0, 0);
            Tensor? line = kept ? null : both.select(0, 1);
            LongConvKernels.EnterBackward(device, (Cut(g), Cut(a), Cut(v)), Cut(d), Cut(y), Cut(dg), line, dline, clean);
            Tensor transformed = Spectrum(both, size.N);
            Tensor dy = transformed.select(0, 0);
            int at = 4 + gates.Length + (2 * (int)slice);
            (Tensor z, Tensor filter) = kept ? (saved(at)!, saved(at + 1)!) : (transformed.select(0, 1), FilterSpectrum(k, skip, size, c, count));
            Tensor dfilter = empty_like(filter);
            LongConvKernels.MultiplyBackward(device, z, filter, dy, dfilter);
            LongConvKernels.Leave(device, Line(dy), Cut(v), Cut(da), Cut(a), Cut(dv));
            Tensor taps = Line(dfilter);
            LongConvKernels.Leave(device, taps.unsqueeze(0), null, dk.narrow(0, 0, size.Taps).narrow(1, c, count).unsqueeze(0), null, null, Window(c, count));
            dskip.narrow(0, c, count).copy_(taps.select(1, 0));

            Tensor Cut(Tensor t) => t.narrow(2, c, count);
        }

        return [.. dgates, dk, dskip];
    }

    // The filter's spectrum of a slice, the skip added to tap 0: complex [count, n].
    private Tensor FilterSpectrum(Tensor k, Tensor skip, Shape size, long first, long count)
    {
        Tensor line = empty([1, count, 2 * size.N], float32, k.device);
        LongConvKernels.Enter(device, k.narrow(0, 0, size.Taps).narrow(1, first, count).unsqueeze(0), null, line, false, Window(first, count));
        line.select(0, 0).select(1, 0).add_(skip.narrow(0, first, count));
        return Spectrum(line, size.N).select(0, 0);
    }

    private LineWindow? Window(long first, long count) => _rate is null ? null : new LineWindow(_rate.narrow(0, first, count), (float)window!.Value.Shift);

    private static Tensor Spectrum(Tensor line, long n)
    {
        long[] shape = [.. line.shape[..^1], n, 2];
        return Transform(s_complex.Call(line.view(shape)), true);
    }

    private static Tensor Line(Tensor spectrum)
    {
        long[] shape = [.. spectrum.shape[..^1], 2 * spectrum.shape[^1]];
        return s_real.Call(Transform(spectrum, false)).view(shape);
    }

    // Along the last dimension, without a factor either way.
    private static Tensor Transform(Tensor x, bool forward) => s_transform.Call(x, new[] { x.dim() - 1L }, 0L, forward);

    private (Tensor G, Tensor A, Tensor V) Gates(Tensor[] gates, long channels) => joined
        ? (gates[0].narrow(2, 0, channels), gates[0].narrow(2, channels, channels), gates[0].narrow(2, 2 * channels, channels))
        : (gates[0], gates[1], gates[2]);

    // Rows evenly spaced, as the kernels read them.
    private static Tensor Rows(Tensor t) => t.is_contiguous() || (t.stride(2) == 1 && t.stride(0) == t.size(1) * t.stride(1) && t.stride(1) % 8 == 0
        && t.data_ptr() % 16 == 0) ? t : t.contiguous();

    private static Shape Size(Tensor x, Tensor k)
    {
        (long batch, long length, long channels) = (x.size(0), x.size(1), k.size(1));
        long taps = Math.Min(length, k.size(0)), n = FftLength.AtLeast((length + taps) / 2);
        long slice = SliceBytes / Math.Max(1, 8 * batch * n) / 32 * 32;
        return new Shape(batch, length, channels, taps, n, Math.Clamp(slice, 32, Math.Max(32, channels)));
    }

    private readonly record struct Shape(long Batch, long Length, long Channels, long Taps, long N, long Slice);

    // The lines of one slice serve the next: transforms leave them as they are, and so the zeros behind the length.
    private sealed class Lines
    {
        private Tensor? _lines;

        internal Tensor Get(long[] shape, Device device, out bool clean)
        {
            clean = _lines is not null && _lines.shape.AsSpan().SequenceEqual(shape);
            if (!clean)
            {
                _lines?.Dispose();
                _lines = empty(shape, float32, device).MoveToOuterDisposeScope();
            }

            return _lines!;
        }
    }
}
