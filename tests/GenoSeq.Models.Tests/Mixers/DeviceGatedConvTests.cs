using GenoSeq.Emulator;
using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>The gated long convolution as one operation, and LayerNorm, on the emulated device against the portable path in double precision.</summary>
public sealed class DeviceGatedConvTests
{
    [Theory]
    [InlineData(1, 1, 8, 1)]
    [InlineData(2, 37, 16, 37)]
    [InlineData(1, 129, 40, 129)]
    [InlineData(3, 64, 8, 9)]
    [InlineData(2, 70, 72, 90)]
    public void Gated_AnyShape_IsThePortablePath(int batch, int length, int channels, int taps)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (bool joined in new[] { true, false })
        {
            foreach (ScalarType type in new[] { float32, bfloat16 })
            {
                manual_seed(length);
                Tensor x = randn([batch, length, 3 * channels]).to(type).to(float64);
                (Tensor k, Tensor skip, Tensor d) = (randn([taps, channels]), randn([channels]), randn([batch, length, channels]).to(type).to(float64));
                Tensor[] expected = Run(x, k.to(float64), skip.to(float64), d, joined);
                // Several slices and everything computed again, then one slice with spectra kept; the bits of two runs are equal.
                Tensor[] again = OnDevice(1, 0, 0), kept = OnDevice(1 << 24, 1 << 30, 5);
                double tolerance = type == float32 ? 2e-5 : 2e-2;
                foreach ((Tensor e, Tensor a, Tensor b, int i) in expected.Zip(again, kept).Select((t, i) => (t.First, t.Second, t.Third, i)))
                {
                    Closeness.Check(e, a, tolerance, $"{type}, joined {joined}: {i}");
                    Closeness.Bitwise(a, b, $"{type}, joined {joined}: {i}");
                }

                Tensor[] OnDevice(long slice, long keep, int seed)
                {
                    (long Slice, long Kept) before = (DeviceGatedConv.SliceBytes, DeviceGatedConv.KeptBytes);
                    (DeviceGatedConv.SliceBytes, DeviceGatedConv.KeptBytes) = (slice, keep);
                    try
                    {
                        using EmulatedDevice.Scope device = new EmulatedDevice { Seed = seed }.Use();
                        return Run(x.to(type), k, skip, d.to(type), joined);
                    }
                    finally
                    {
                        (DeviceGatedConv.SliceBytes, DeviceGatedConv.KeptBytes) = before;
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(8, 3)]
    [InlineData(248, 70)]
    public void LayerNorm_AnyWidth_IsTheHosts(int width, int rows)
    {
        using DisposeScope scope = NewDisposeScope();
        var norm = new LayerNorm(width, 1e-5);
        using (no_grad())
        {
            norm.weight.normal_();
            norm.bias.normal_();
        }

        (Tensor x, Tensor r, Tensor d, Tensor e) = (randn([1, rows, width]), randn([1, rows, width]).add(3), randn([1, rows, width]), randn([1, rows, width]));
        foreach (bool residual in new[] { true, false })
        {
            Tensor[] expected = Run();
            using EmulatedDevice.Scope device = new EmulatedDevice().Use();
            Assert.All(expected.Zip(Run()), p => Closeness.Check(p.First, p.Second, 2e-5, $"{width}, residual {residual}"));

            Tensor[] Run()
            {
                norm.zero_grad();
                (Tensor own, Tensor stream) = (x.detach().requires_grad_(), r.detach().requires_grad_());
                (Tensor y, Tensor sum) = norm.AddNorm(own, residual ? stream : null, false);
                ((y * d).sum() + (sum * e).sum()).backward();
                Tensor[] all = [y.detach(), sum.detach(), own.grad!.clone(), norm.weight.grad!.clone(), norm.bias.grad!.clone()];
                return residual ? [.. all, stream.grad!.clone()] : all;
            }
        }
    }

    // Output and gradients.
    private static Tensor[] Run(Tensor x, Tensor k, Tensor skip, Tensor d, bool joined)
    {
        Tensor[] leaves = [x.detach().requires_grad_(), k.detach().requires_grad_(), skip.detach().requires_grad_()];
        Tensor[] parts = leaves[0].chunk(3, 2);
        var window = new TapWindow(tensor([.. Enumerable.Range(0, (int)k.size(1)).Select(c => -0.01 * c)], k.size(1)), 0.3);
        Tensor y = joined ? LongConv.Gated(leaves[0], leaves[1], leaves[2], window) : LongConv.Gated(parts[0], parts[1], parts[2], leaves[1], leaves[2]);
        (y * d).sum().backward();
        return [y.detach(), .. leaves.Select(l => l.grad!.clone())];
    }
}
