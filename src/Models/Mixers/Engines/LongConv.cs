using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E5: causal convolution with a filter as long as the sequence, y_t = sum_(j &lt;= t) k_j z_(t-j), by FFT. Both are padded with
/// zeros, so that nothing comes around: n = at least L + taps - 1. libtorch's own operators are the portable path and the judge;
/// on a device with kernels the gates run with it as one operation (<see cref="DeviceGatedConv"/>).
/// </summary>
internal static class LongConv
{
    private static readonly Operator s_rfft = new("aten::fft_rfft"), s_irfft = new("aten::fft_irfft");

    /// <summary>Gate, convolve, gate: g (k * (a v)).</summary>
    /// <param name="x">Gates and input side by side, g, a, v: [batch, length, 3 channels].</param>
    /// <param name="k">[taps, channels], at least in single precision.</param>
    /// <param name="skip">d of a skip, y_t += d z_t: [channels].</param>
    /// <param name="window">A factor of the taps, or null.</param>
    /// <returns>[batch, length, channels] in x's type.</returns>
    internal static Tensor Gated(Tensor x, Tensor k, Tensor skip, TapWindow? window = null)
    {
        if (DeviceGatedConv.Takes(x, k) is { } device)
        {
            return new DeviceGatedConv(device, true, window).apply(x, k, skip)[0]!;
        }

        Tensor[] parts = x.chunk(3, 2);
        return parts[0] * Causal(parts[1] * parts[2], WithSkip(window is { } w ? k * w.Of(k.size(0), k.dtype) : k, skip));
    }

    /// <summary>The same with three tensors [batch, length, channels] of one type.</summary>
    internal static Tensor Gated(Tensor g, Tensor a, Tensor v, Tensor k, Tensor skip) => DeviceGatedConv.Takes(v, k) is { } device
        ? new DeviceGatedConv(device, false).apply(g, a, v, k, skip)[0]!
        : g * Causal(a * v, WithSkip(k, skip));

    /// <summary>The convolution alone, by libtorch's operators.</summary>
    /// <param name="z">[batch, length, channels].</param>
    /// <param name="k">[taps, channels], at least in single precision; taps beyond the length are left out.</param>
    /// <returns>[batch, length, channels] in z's type.</returns>
    internal static Tensor Causal(Tensor z, Tensor k)
    {
        long length = z.size(1), taps = Math.Min(length, k.size(0));
        long n = 2 * FftLength.AtLeast((length + taps) / 2);
        Tensor spectrum = s_rfft.Call(z.to(k.dtype).transpose(1, 2), n).mul(s_rfft.Call(k.narrow(0, 0, taps).t(), n));
        return s_irfft.Call(spectrum, n).narrow(2, 0, length).transpose(1, 2).to(z.dtype);
    }

    /// <summary>Adds a skip, y_t += d z_t, to a filter: it is the filter's tap 0.</summary>
    /// <param name="k">[taps, channels].</param>
    /// <param name="skip">[channels].</param>
    internal static Tensor WithSkip(Tensor k, Tensor skip) =>
        cat([k.narrow(0, 0, 1) + skip.to(k.dtype), k.narrow(0, 1, k.size(0) - 1)]);

    /// <summary>
    /// Operations of one position: two transforms and the product of two spectra, of lines of 2 n real numbers in which length and taps fit. Such a
    /// line is transformed as n complex numbers, with 5 n log2 n operations, and a product of complex numbers is 6.
    /// </summary>
    internal static double Flops(long channels, long length)
    {
        long n = FftLength.AtLeast(length);
        return channels * ((2 * Transform(n)) + (6.0 * n)) / length;
    }

    /// <summary>Operations of the filter's transform, once a pass.</summary>
    internal static double FilterFlops(long channels, long length) => channels * Transform(FftLength.AtLeast(length));

    private static double Transform(long n) => 5.0 * n * Math.Log2(n);
}

/// <summary>A window exp(j rate) + shift over the taps j of a filter.</summary>
/// <param name="Rate">[channels], in double precision, at most 0.</param>
/// <param name="Shift">Of all channels.</param>
internal readonly record struct TapWindow(Tensor Rate, double Shift)
{
    /// <summary>[length, channels].</summary>
    internal Tensor Of(long length, Torch.ScalarType type) => outer(arange(0, length, 1, type, Rate.device), Rate.to(type)).exp().add(Shift);
}

/// <summary>Lengths that Fourier transforms are fast at.</summary>
internal static class FftLength
{
    /// <summary>The least 2^a 3^b 5^c 7^d that is at least n.</summary>
    internal static long AtLeast(long n)
    {
        long best = 1;
        while (best < n) best *= 2;
        for (long seven = 1; seven < best; seven *= 7)
        {
            for (long five = seven; five < best; five *= 5)
            {
                for (long three = five; three < best; three *= 3)
                {
                    long m = three;
                    while (m < n) m *= 2;
                    best = Math.Min(best, m);
                }
            }
        }

        return best;
    }
}
