using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>The kernels of engines E2, E3 and E4 on the emulated device against libtorch's operators in double precision, which are the loop's (EngineTests).</summary>
public sealed class EngineKernelTests
{
    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(65, 2, 1, 80, 16, true, false)]
    [InlineData(37, 1, 1, 160, 16, false, true)]
    public void ScalarDecay_Wider_IsTheOperators(int length, int heads, int groups, int n, int p, bool packed, bool extras) =>
        ScalarDecay_EitherPrecisionAndDirection_IsTheOperators(length, heads, groups, n, p, packed, extras);

    [Theory]
    [InlineData(1, 2, 1, 16, 16, false, true)]
    [InlineData(64, 3, 3, 16, 16, true, true)]
    [InlineData(147, 4, 2, 16, 16, false, true)]
    [InlineData(130, 2, 1, 12, 9, true, true)]
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
    [Trait("Category", "Slow")]
    [InlineData(35, 1, 80, 80, true, false, true)]
    [InlineData(20, 1, 160, 160, false, true, true)]
    public void VectorDecay_Wider_IsTheOperators(int length, int heads, int n, int p, bool packed, bool late, bool hasState) =>
        VectorDecay_EitherPrecisionAndDirection_IsTheOperators(length, heads, n, p, packed, late, hasState);

    [Theory]
    [InlineData(1, 2, 16, 16, false, false, true)]
    [InlineData(53, 2, 16, 16, true, true, true)]
    [InlineData(53, 2, 16, 16, true, false, true)]
    [InlineData(33, 2, 12, 9, false, true, false)]
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

    /// <summary>The longest is cut into segments, which the device of 32 slots makes worth their while.</summary>
    [Theory]
    [InlineData(1, 2, 16, 16, false, true)]
    [InlineData(77, 2, 12, 9, true, true)]
    [InlineData(1150, 1, 16, 16, true, true)]
    public void DeltaRule_EitherDirection_IsTheOperators(int length, int heads, int n, int p, bool packed, bool hasState) =>
        CheckDelta(length, heads, n, p, packed, hasState, true);

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(130, 1, 48, 96, true, false)]
    [InlineData(33, 1, 128, 160, false, true)]
    public void DeltaRule_Wider_IsTheOperators(int length, int heads, int n, int p, bool packed, bool hasState) =>
        CheckDelta(length, heads, n, p, packed, hasState, null);

    private static void CheckDelta(int length, int heads, int n, int p, bool packed, bool hasState, bool? only)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length + n);
        Tensor? ids = Ids(length, packed);
        Tensor[] qkv = Activations(length, heads, heads, n, p);
        Tensor Unit(Tensor t) => t * t.square().sum([-1], true).rsqrt();
        Tensor g = randn([2, length, heads]).exp().mul(-0.1), beta = randn([2, length, heads]).sigmoid();
        Check(["q", "k", "v", "g", "beta", "state"], [Unit(qkv[0]), Unit(qkv[1]), qkv[2], g, beta, hasState ? randn([2, heads, n, p]) : null], (x, device, reverse) =>
        {
            if (device is not null && reverse)
            {
                return DeltaRuleKernel.Run(device, x[0]!, x[1]!, x[2]!, x[3]!, x[4]!, x[5], ids, true);
            }

            if (device is not null)
            {
                using EmulatedDevice.Scope use = device.Use();
                return DeltaRule.Run(x[0]!, x[1]!, x[2]!, x[3]!, x[4]!, x[5], ids, 16);
            }

            Tensor?[] s = reverse ? [.. x[..5].Select(t => t?.flip(1)), x[5]] : x;
            (Tensor y, Tensor last) = DeltaRule.Composed(s[0]!, s[1]!, s[2]!, s[3]!, s[4]!, s[5], reverse ? ids?.flip(1) : ids, 64);
            return (reverse ? y.flip(1) : y, last);
        }, 16, only);
    }

    [Theory]
    [InlineData(75, 12, 9, true, true)]
    [InlineData(400, 16, 16, false, true)]
    public void DiagonalLowRank_EitherDirection_IsTheOperators(int length, int n, int p, bool packed, bool hasState) =>
        CheckLowRank(length, n, p, packed, hasState, true);

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(50, 64, 64, true, false)]
    [InlineData(33, 128, 160, false, true)]
    public void DiagonalLowRank_Wider_IsTheOperators(int length, int n, int p, bool packed, bool hasState) =>
        CheckLowRank(length, n, p, packed, hasState, null);

    private static void CheckLowRank(int length, int n, int p, bool packed, bool hasState, bool? only)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length + n);
        Tensor? ids = Ids(length, packed);
        Tensor[] qkv = Activations(length, 1, 1, n, p);
        Tensor a = randn([2, length, 1, n]);
        a = a * a.square().sum([-1], true).rsqrt();
        Tensor b = (a * randn([2, length, 1, n]).sigmoid()).neg();
        // As the kernels read them, whatever the activations' type.
        (a, b) = (a.to(bfloat16).to(float32), b.to(bfloat16).to(float32));
        Tensor g = randn([2, length, 1, n]).sigmoid().mul(-0.6);
        Check(["q", "k", "v", "a", "b", "g", "state"], [.. qkv, a, b, g, hasState ? randn([2, 1, n, p]) : null], (x, device, reverse) =>
        {
            Tensor?[] s = reverse && device is null ? [.. x[..6].Select(t => t?.flip(1)), x[6]] : x;
            var inputs = new DiagonalLowRank.Inputs(s[0]!, s[1]!, s[2]!, s[3]!, s[4]!, s[5]!) { Bounded = true };
            if (device is not null && reverse)
            {
                return DiagonalLowRankKernel.Run(device, inputs, s[6], ids, true);
            }

            if (device is not null)
            {
                using EmulatedDevice.Scope use = device.Use();
                return DiagonalLowRank.Run(inputs, s[6], ids, 16);
            }

            (Tensor y, Tensor last) = DiagonalLowRank.Composed(inputs, s[6], reverse ? ids?.flip(1) : ids, 64);
            return (reverse ? y.flip(1) : y, last);
        }, 16, only);
    }

    [Theory]
    [InlineData(140, 12, 9, true, true)]
    [InlineData(65, 16, 16, false, false)]
    public void MomentumDelta_EitherDirection_IsTheOperators(int length, int n, int p, bool packed, bool hasState) =>
        CheckMomentum(length, n, p, packed, hasState, false);

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(1150, 16, 16, true, true)]
    [InlineData(80, 64, 80, true, true)]
    public void MomentumDelta_LongerOrWider_IsTheOperators(int length, int n, int p, bool packed, bool hasState) =>
        CheckMomentum(length, n, p, packed, hasState, null);

    private static void CheckMomentum(int length, int n, int p, bool packed, bool hasState, bool? only)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length + n);
        Tensor? ids = Ids(length, packed);
        Tensor[] qkv = Activations(length, 1, 1, n, p);
        Tensor Unit(Tensor t) => t * t.square().sum([-1], true).rsqrt();
        Tensor keep = randn([2, length, 1]).exp().mul(-0.1), momentum = randn([2, length, 1]).sigmoid().log(), rate = randn([2, length, 1]).sigmoid();
        Tensor? state = hasState ? randn([2, 1, 2 * n, p]) : null;
        Check(["q", "k", "v", "keep", "momentum", "rate", "state"], [Unit(qkv[0]), Unit(qkv[1]), qkv[2], keep, momentum, rate, state], (x, device, reverse) =>
        {
            Tensor?[] s = reverse && device is null ? [.. x[..6].Select(t => t?.flip(1)), x[6]] : x;
            var inputs = new MomentumDelta.Inputs(s[0]!, s[1]!, s[2]!, s[3]!, s[4]!, s[5]!);
            if (device is not null && reverse)
            {
                return MomentumDeltaKernel.Run(device, inputs, s[6], ids, true);
            }

            if (device is not null)
            {
                using EmulatedDevice.Scope use = device.Use();
                return MomentumDelta.Run(inputs, s[6], ids, 16);
            }

            (Tensor y, Tensor last) = MomentumDelta.Composed(inputs, s[6], reverse ? ids?.flip(1) : ids, 64);
            return (reverse ? y.flip(1) : y, last);
        }, 16, only);
    }

    /// <summary>Linear attention, whose column of weights' sums fills the values up to whole tiles, or begins another. In single precision:
    /// gradients of a quotient cancel, and bfloat16 leaves two digits of them.</summary>
    [Theory]
    [InlineData(9, true, true)]
    [InlineData(16, false, false)]
    public void Normalized_AnyWidth_IsTheOperators(int p, bool packed, bool hasState)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(p);
        Tensor? ids = Ids(40, packed);
        Tensor[] qkv = Activations(40, 2, 2, 12, p);
        Check(["q", "k", "v", "state"], [qkv[0].exp(), qkv[1].exp(), qkv[2], hasState ? rand([2, 2, 12, p + 1]) + 1 : null], (x, device, _) =>
        {
            using EmulatedDevice.Scope use = device is null ? default : device.Use();
            return Normalized.Run(x[0]!, x[1]!, x[2]!, x[3], ids, 16);
        }, only: false);
    }

    private delegate (Tensor Y, Tensor Last) Recurrence(Tensor?[] x, EmulatedDevice? device, bool reverse);

    // In both precisions, or in one: every shape and precision is a text to compile.
    private static void Check(string[] inputs, Tensor?[] values, Recurrence run, int processors = 2, bool? only = null)
    {
        string[] names = ["y", "last", .. inputs.Where((_, i) => values[i] is not null).Select(s => "d" + s)];
        foreach (bool half in only is { } one ? [one] : new[] { true, false })
        {
            Tensor?[] x = [.. values.Select((t, i) => half && i < 3 ? t!.to(bfloat16) : t)];
            foreach (bool reverse in new[] { false, true })
            {
                Tensor[] truth = Results(null, x, reverse, run);
                Tensor[] first = Results(new EmulatedDevice { Processors = processors }, x, reverse, run);
                for (int i = 0; i < names.Length; i++)
                {
                    double error = Math.Sqrt(((first[i].to(float64) - truth[i]).square().sum() / truth[i].square().sum().clamp(min: 1e-12)).item());
                    Assert.True(error < (half ? 8e-3 : 1e-5), $"{names[i]}, half {half}, reverse {reverse}: off by {error:g3}");
                }

                if (reverse && half == (only ?? true))
                {
                    Tensor[] again = Results(new EmulatedDevice { Processors = processors, Seed = 5, Resident = 2 }, x, reverse, run);
                    Assert.All(first.Zip(again), r => Assert.True(r.First.equal(r.Second)));
                }
            }
        }
    }

    // y, the last state, and the gradients of a weighted sum of both.
    private static Tensor[] Results(EmulatedDevice? device, Tensor?[] x, bool reverse, Recurrence run)
    {
        // States between chunks that numbers turn: one way in one piece, the other in segments.
        StatePassKernels.ForcedSegments = reverse ? 3 : 1;
        Tensor?[] own = Array.ConvertAll(x, t => (device is null ? t?.to(float64) : t?.clone())?.detach().requires_grad_());
        (Tensor y, Tensor last) = run(own, device, reverse);
        Tensor dy = arange(0, y.numel()).to(float32).mul(0.7).sin().reshape(y.shape).to(bfloat16).to(y.dtype);
        Tensor dlast = arange(0, last.numel()).to(float32).mul(0.3).cos().reshape(last.shape).to(last.dtype);
        Tensor?[] gradients = autograd.grad([y, last], [.. own.OfType<Tensor>()], [dy, dlast]);
        StatePassKernels.ForcedSegments = 0;
        return [y.detach(), last.detach(), .. gradients.OfType<Tensor>()];
    }

    private static Tensor[] Activations(long length, long groups, long heads, long n, long p) =>
        [randn([2, length, groups, n]), randn([2, length, groups, n]) * Math.Pow(n, -0.5), randn([2, length, heads, p])];

    private static Tensor? Ids(long length, bool packed) => packed ? randint(0, 20, [2, length], int64).eq(0).to(int32).cumsum(1).to(int32) : null;
}
