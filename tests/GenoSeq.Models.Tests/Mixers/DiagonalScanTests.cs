using System.Numerics;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>The elementwise recurrences: the CPU's kernel against libtorch's rounds, and both against a loop.</summary>
public sealed class DiagonalScanTests
{
    [Theory]
    [InlineData(1, 1, 1, 1 << 24)]
    [InlineData(2, 37, 70, 1 << 24)]
    [InlineData(3, 50, 9, 200)]
    public void Run_ForwardAndBackward_AgreeOnEveryPath(int batch, int length, int channels, long elements)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor a, Tensor x, Tensor before) = (rand([batch, length, channels], float64), randn([batch, length, channels], float64), randn([batch, channels], float64));
        (Tensor wh, Tensor wl) = (randn(x.shape, float64), randn(before.shape, float64));
        long was = SegmentedRecurrence.Elements;
        SegmentedRecurrence.Elements = elements;
        try
        {
            Tensor[] wide = Run(a, x, before, wh, wl);
            Tensor[] single = Run(a.to(float32), x.to(float32), before.to(float32), wh.to(float32), wl.to(float32));
            Assert.All(wide.Zip(single), p => Closeness.Check(p.First, p.Second, 1e-5, "the CPU's kernel"));
            Closeness.Check(Loop(a, x, before), wide[0], 1e-13, "a loop");
        }
        finally
        {
            SegmentedRecurrence.Elements = was;
        }
    }

    [Fact]
    public void Run_Rotating_IsTheComplexLoop()
    {
        const int Batch = 2, Length = 41, Channels = 3;
        using DisposeScope scope = NewDisposeScope();
        (Tensor r, Tensor w) = (rand([Channels], float64).neg(), randn([Channels], float64));
        (Tensor x, Tensor before) = (randn([Batch, Length, 2 * Channels], float64), randn([Batch, 2 * Channels], float64));
        Tensor h = RotatingScan.Run(r, w, x, before, null).H;
        double[] expected = new double[Batch * Length * 2 * Channels];
        (double[] xs, double[] s, double[] rs, double[] ws) = (x.ToArray<double>(), before.ToArray<double>(), r.ToArray<double>(), w.ToArray<double>());
        for (int b = 0; b < Batch; b++)
        {
            for (int c = 0; c < Channels; c++)
            {
                var state = new Complex(s[(b * 2 * Channels) + c], s[(b * 2 * Channels) + Channels + c]);
                for (int t = 0; t < Length; t++)
                {
                    int at = (((b * Length) + t) * 2 * Channels) + c;
                    state = (Complex.Exp(new Complex(rs[c], ws[c])) * state) + new Complex(xs[at], xs[at + Channels]);
                    (expected[at], expected[at + Channels]) = (state.Real, state.Imaginary);
                }
            }
        }

        Closeness.Check(expected, h, 1e-12, "rotating");
    }

    private static Tensor[] Run(Tensor a, Tensor x, Tensor before, Tensor wh, Tensor wl)
    {
        Tensor[] leaves = [a.detach().requires_grad_(), x.detach().requires_grad_(), before.detach().requires_grad_()];
        (Tensor h, Tensor last) = DiagonalScan.Run(leaves[0], leaves[1], leaves[2], null);
        ((h * wh).sum() + (last * wl).sum()).backward();
        return [h, .. leaves.Select(l => l.grad!)];
    }

    private static double[] Loop(Tensor a, Tensor x, Tensor before)
    {
        (int batch, int length, int channels) = ((int)x.size(0), (int)x.size(1), (int)x.size(2));
        (double[] factors, double[] h, double[] state) = (a.ToArray<double>(), x.ToArray<double>(), before.ToArray<double>());
        for (int i = 0; i < h.Length; i++)
        {
            int b = i / (length * channels);
            h[i] += factors[i] * (i / channels % length == 0 ? state[(b * channels) + (i % channels)] : h[i - channels]);
        }

        Assert.Equal(batch * length * channels, h.Length);
        return h;
    }
}
