using GenoSeq.Emulator;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>The kernels of engines E2 and E3 on the emulated device against libtorch's operators in double precision, which are the loop's (EngineTests).</summary>
public sealed class EngineKernelTests
{
    [Theory]
    [InlineData(1, 2, 1, 16, 16, false, true)]
    [InlineData(64, 3, 3, 16, 16, true, true)]
    [InlineData(147, 4, 2, 16, 16, false, true)]
    [InlineData(130, 2, 1, 12, 9, true, true)]
    [InlineData(65, 2, 1, 80, 16, true, false)]
    [InlineData(37, 1, 1, 160, 16, false, true)]
    public void ScalarDecay_EitherPrecisionAndDirection_IsTheOperators(int length, int heads, int groups, int n, int p, bool packed, bool extras)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length + n);
        Tensor? ids = Ids(length, packed);
        Tensor g = randn([2, length, heads]).exp().mul(-0.1);
        Tensor?[] more = extras ? [rand([2, length, heads]) + 0.5, randn([heads]), randn([2, heads, n, p])] : [null, null, null];
        Check(["q", "k", "v", "g", "scale", "skip", "state"], [.. Activations(length, groups, heads, n, p), g, .. more], (x, device, reverse) =>
        {
            if (device is not null)
            {
                return ScalarDecayKernel.Run(device, x[0]!, x[1]!, x[2]!, x[3]!, x[6], ids, x[4], x[5], reverse);
            }

            Tensor?[] s = reverse ? [.. x[..5].Select(t => t?.flip(1)), .. x[5..]] : x;
            Tensor v = s[4] is null ? s[2]! : s[2]! * s[4]!.unsqueeze(-1);
            (Tensor y, Tensor last) = ScalarDecay.Composed(s[0]!, s[1]!, v, s[3]!, s[6], reverse ? ids?.flip(1) : ids, 16);
            y = s[5] is null ? y : y + (s[2]! * s[5]!.unsqueeze(-1));
            return (reverse ? y.flip(1) : y, last);
        });
    }

    [Theory]
    [InlineData(1, 2, 16, 16, false, false, true)]
    [InlineData(53, 2, 16, 16, true, true, true)]
    [InlineData(53, 2, 16, 16, true, false, true)]
    [InlineData(33, 2, 12, 9, false, true, false)]
    [InlineData(35, 1, 80, 80, true, false, true)]
    [InlineData(20, 1, 160, 160, false, true, true)]
    public void VectorDecay_EitherPrecisionAndDirection_IsTheOperators(int length, int heads, int n, int p, bool packed, bool late, bool hasState)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length + n);
        Tensor? ids = Ids(length, packed);
        // Some decays leave nothing within a chunk.
        Tensor g = randn([2, length, heads, n]).mul(2).exp().mul(-0.1);
        Tensor? state = hasState ? randn([2, heads, n, p]) : null;
        Check(["q", "k", "v", "g", "state"], [.. Activations(length, heads, heads, n, p), g, state], (x, device, reverse) =>
        {
            if (device is not null)
            {
                return VectorDecayKernel.Run(device, x[0]!, x[1]!, x[2]!, x[3]!, x[4], ids, late, reverse);
            }

            Tensor?[] s = reverse ? [.. x[..4].Select(t => t?.flip(1)), x[4]] : x;
            (Tensor y, Tensor last) = VectorDecay.Composed(s[0]!, s[1]!, s[2]!, s[3]!, s[4], reverse ? ids?.flip(1) : ids, 16, late);
            return (reverse ? y.flip(1) : y, last);
        });
    }

    private delegate (Tensor Y, Tensor Last) Recurrence(Tensor?[] x, EmulatedDevice? device, bool reverse);

    private static void Check(string[] inputs, Tensor?[] values, Recurrence run)
    {
        string[] names = ["y", "last", .. inputs.Where((_, i) => values[i] is not null).Select(s => "d" + s)];
        foreach (bool half in new[] { true, false })
        {
            Tensor?[] x = [.. values.Select((t, i) => half && i < 3 ? t!.to(bfloat16) : t)];
            foreach (bool reverse in new[] { false, true })
            {
                Tensor[] truth = Results(null, x, reverse, run);
                Tensor[] first = Results(new EmulatedDevice { Processors = 2 }, x, reverse, run);
                for (int i = 0; i < names.Length; i++)
                {
                    double error = Math.Sqrt(((first[i].to(float64) - truth[i]).square().sum() / truth[i].square().sum().clamp(min: 1e-12)).item());
                    Assert.True(error < (half ? 8e-3 : 1e-5), $"{names[i]}, half {half}, reverse {reverse}: off by {error:g3}");
                }

                if (reverse && half)
                {
                    Tensor[] again = Results(new EmulatedDevice { Seed = 5, Resident = 2 }, x, reverse, run);
                    Assert.All(first.Zip(again), r => Assert.True(r.First.equal(r.Second)));
                }
            }
        }
    }

    // y, the last state, and the gradients of a weighted sum of both.
    private static Tensor[] Results(EmulatedDevice? device, Tensor?[] x, bool reverse, Recurrence run)
    {
        Tensor?[] own = Array.ConvertAll(x, t => (device is null ? t?.to(float64) : t?.clone())?.detach().requires_grad_());
        (Tensor y, Tensor last) = run(own, device, reverse);
        Tensor dy = arange(0, y.numel()).to(float32).mul(0.7).sin().reshape(y.shape).to(bfloat16).to(y.dtype);
        Tensor dlast = arange(0, last.numel()).to(float32).mul(0.3).cos().reshape(last.shape).to(last.dtype);
        Tensor?[] gradients = autograd.grad([y, last], [.. own.OfType<Tensor>()], [dy, dlast]);
        return [y.detach(), last.detach(), .. gradients.OfType<Tensor>()];
    }

    private static Tensor[] Activations(long length, long groups, long heads, long n, long p) =>
        [randn([2, length, groups, n]), randn([2, length, groups, n]) * Math.Pow(n, -0.5), randn([2, length, heads, p])];

    private static Tensor? Ids(long length, bool packed) => packed ? randint(0, 20, [2, length], int64).eq(0).to(int32).cumsum(1).to(int32) : null;
}
