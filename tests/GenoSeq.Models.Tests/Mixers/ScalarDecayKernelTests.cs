using GenoSeq.Emulator;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>Engine E2's kernels on the emulated device against libtorch's operators in double precision, which are the loop's (EngineTests).</summary>
public sealed class ScalarDecayKernelTests
{
    private static readonly string[] s_names = ["q", "k", "v", "g", "scale", "skip", "state"];

    [Theory]
    [InlineData(1, 2, 1, 16, 16, false, true)]
    [InlineData(64, 3, 3, 16, 32, true, true)]
    [InlineData(147, 4, 2, 32, 16, false, true)]
    [InlineData(130, 2, 1, 24, 9, true, true)]
    [InlineData(70, 2, 1, 64, 64, false, false)]
    [InlineData(65, 1, 1, 80, 128, true, false)]
    public void Run_EitherPrecisionAndDirection_IsTheOperators(int length, int heads, int groups, int n, int p, bool packed, bool extras)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length + n);
        Tensor? ids = packed ? randint(0, 40, [2, length], int64).eq(0).to(int32).cumsum(1).to(int32) : null;
        foreach (bool half in new[] { true, false })
        {
            Tensor?[] x = Inputs(length, heads, groups, n, p, extras, half ? bfloat16 : float32);
            foreach (bool reverse in new[] { false, true })
            {
                Tensor[] truth = Run(null, x, ids, reverse);
                Tensor[] first = Run(new EmulatedDevice { Processors = 2 }, x, ids, reverse);
                string[] names = ["y", "last", .. s_names.Where((_, i) => x[i] is not null).Select(s => "d" + s)];
                for (int i = 0; i < names.Length; i++)
                {
                    double error = ((first[i].to(float64) - truth[i]).square().sum() / truth[i].square().sum().clamp(min: 1e-12)).item();
                    Assert.True(Math.Sqrt(error) < (half ? 8e-3 : 1e-5), $"{names[i]}, half {half}, reverse {reverse}: off by {Math.Sqrt(error):g3}");
                }

                if (reverse && half)
                {
                    Tensor[] again = Run(new EmulatedDevice { Seed = 5, Resident = 2 }, x, ids, reverse);
                    Assert.All(first.Zip(again), r => Assert.True(r.First.equal(r.Second)));
                }
            }
        }
    }

    private static Tensor?[] Inputs(long length, long heads, long groups, long n, long p, bool extras, ScalarType type)
    {
        Tensor q = randn([2, length, groups, n], float32).to(type), k = (randn([2, length, groups, n], float32) * Math.Pow(n, -0.5)).to(type);
        Tensor v = randn([2, length, heads, p], float32).to(type), g = randn([2, length, heads], float32).exp().mul(-0.1);
        return extras
            ? [q, k, v, g, rand([2, length, heads]) + 0.5, randn([heads]), randn([2, heads, n, p])]
            : [q, k, v, g, null, null, null];
    }

    // y, the last state, and the gradients of a weighted sum of both.
    private static Tensor[] Run(EmulatedDevice? device, Tensor?[] x, Tensor? ids, bool reverse)
    {
        Tensor?[] own = Array.ConvertAll(x, t => (device is null ? t?.to(float64) : t?.clone())?.detach().requires_grad_());
        Tensor[] given = [.. own.OfType<Tensor>()];
        Tensor y, last;
        if (device is null)
        {
            Tensor?[] s = reverse ? [.. own[..5].Select(t => t?.flip(1)), .. own[5..]] : own;
            Tensor v = s[4] is null ? s[2]! : s[2]! * s[4]!.unsqueeze(-1);
            (y, last) = ScalarDecay.Composed(s[0]!, s[1]!, v, s[3]!, s[6], reverse ? ids?.flip(1) : ids, 16);
            y = s[5] is null ? y : y + (s[2]! * s[5]!.unsqueeze(-1));
            y = reverse ? y.flip(1) : y;
        }
        else
        {
            using EmulatedDevice.Scope used = device.Use();
            (y, last) = ScalarDecayKernel.Run(device, own[0]!, own[1]!, own[2]!, own[3]!, own[6], ids, own[4], own[5], reverse);
        }

        Tensor dy = arange(0, y.numel()).to(float32).mul(0.7).sin().reshape(y.shape).to(bfloat16).to(y.dtype);
        Tensor dlast = arange(0, last.numel()).to(float32).mul(0.3).cos().reshape(last.shape).to(last.dtype);
        Tensor?[] gradients = autograd.grad([y, last], given, [dy, dlast]);
        return [y.detach(), last.detach(), .. gradients.OfType<Tensor>()];
    }
}
