using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>The head's loss and gradients on the emulator against plain loops in fp64.</summary>
public sealed class HeadLossKernelTests
{
    // Relative. Fused kernel: logits have the digits of single precision for either type of hidden state, so the loss and dW too;
    // dhidden is rounded to bf16 (1.7e-3), its factors to 11 bits. Chunks in bf16: the weight and the logits' gradient are bf16 too.
    private static double LossError(bool fused, bool single) => fused || single ? 3e-6 : 1e-3;

    private static double HiddenError(bool fused, bool single) => single ? 1e-5 : fused ? 2.5e-3 : 6e-3;

    private static double WeightError(bool fused, bool single) => fused || single ? 1e-5 : 5e-3;

    public static TheoryData<HeadCase> Cases() =>
    [
        new HeadCase(12, 2, 37, 24, false, false, 1, false),
        new HeadCase(16, 2, 300, 64, false, true, 0.15, true),
        new HeadCase(16, 1, 301, 256, true, false, 0.15, true),
        new HeadCase(16, 3, 67, 40, true, true, 1, false),
        new HeadCase(12, 1, 600, 320, false, false, 0.9, true),
        new HeadCase(7, 1, 90, 136, true, false, 0.5, false),
        new HeadCase(16, 1, 70, 512, true, false, 1, true),
        new HeadCase(16, 1, 40, 1032, false, true, 0.6, true),
        new HeadCase(16, 2, 70, 64, true, true, 0.4, true, Cap: 1.5, Z: 0.3),
        new HeadCase(12, 1, 50, 24, false, false, 0.7, true, Cap: 2),
        new HeadCase(7, 1, 60, 24, false, true, 1, false, Z: 0.5),
        new HeadCase(264, 2, 60, 32, false, true, 0.3, true),
        new HeadCase(264, 1, 130, 24, true, true, 1, true),
        new HeadCase(264, 2, 70, 64, true, false, 0.8, false),
        new HeadCase(509, 1, 33, 16, false, true, 1, false),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void HeadLoss_AnySize_MatchesReference(HeadCase c)
    {
        using DisposeScope scope = NewDisposeScope();
        var data = new HeadData(c, 7);
        (double[] totals, double[] dHidden, double[] dWeight) = data.Reference(0.125);
        HeadLossResult r = data.Run(new EmulatedDevice(), 0.125);
        (bool fused, bool single) = (c.Vocab <= 16 && c.Width * (c.Both ? 2 : 1) <= 1024, c.Single);
        double[] actual = r.Totals.ToArray<double>();
        actual[0] += actual.Length > 4 ? actual[4] : 0; // the reference's sum holds the z-loss
        Assert.True(Math.Abs(actual[0] - totals[0]) <= LossError(fused, single) * Math.Abs(totals[0]), $"loss {actual[0]}, not {totals[0]}");
        Assert.Equal(totals[1], actual[1], 1e-4);
        Assert.Equal(totals[2], actual[2]);
        if (fused || single) Assert.Equal(totals[3], actual[3]);
        Near(r.DHidden!, dHidden, HiddenError(fused, single), "dhidden");
        Near(r.DWeight!, dWeight, WeightError(fused, single), "dweight");

        // No row without a target has a gradient, to the bit.
        double[] given = Sample.Doubles(r.DHidden!);
        Assert.All(Enumerable.Range(0, given.Length).Where(i => dHidden[i] == 0), i => Assert.Equal(0, given[i]));

        HeadLossResult forward = data.Run(new EmulatedDevice(), 1, gradients: false);
        Assert.Equal(Sample.Bits(r.Totals), Sample.Bits(forward.Totals));
        Assert.Null(forward.DHidden);
        HeadLossResult again = data.Run(new EmulatedDevice { Resident = 3, Seed = 11 }, 0.125);
        Assert.Equal(Sample.Bits(r.Totals), Sample.Bits(again.Totals));
        Assert.Equal(Sample.Bits(r.DHidden!), Sample.Bits(again.DHidden!));
        Assert.Equal(Sample.Bits(r.DWeight!), Sample.Bits(again.DWeight!));
    }

    [Theory]
    [InlineData(16, 64)]
    [InlineData(264, 16)]
    public void HeadLoss_WithoutTargets_IsZero(int vocab, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        var data = new HeadData(new HeadCase(vocab, 2, 50, width, true, false, 0, true), 3);
        HeadLossResult r = data.Run(new EmulatedDevice(), 1);
        Assert.Equal([0, 0, 0, 0], r.Totals.ToArray<double>());
        Assert.All(Sample.Doubles(r.DHidden!), g => Assert.Equal(0, g));
        Assert.All(Sample.Doubles(r.DWeight!), g => Assert.Equal(0, g));
    }

    [Theory]
    [InlineData(16, 0, 1)]
    [InlineData(264, 260, 7)]
    public void HeadLoss_Ties_TheFirstLargestCounts(int vocab, int target, int other)
    {
        using DisposeScope scope = NewDisposeScope();
        // All logits are equal where the hidden state is zero: the first id is the largest one.
        Tensor weight = ones([vocab, 8]);
        Tensor targets = tensor([target, other, 0]);
        HeadLossResult r = HeadLossKernels.ForwardBackward(new EmulatedDevice(), zeros([3, 8]), null, 1, 3, weight, targets, null, 1, false);
        Assert.Equal((target == 0 ? 1 : 0) + (other == 0 ? 1 : 0) + 1, r.Totals.ToArray<double>()[3]);
        Assert.Equal(3 * Math.Log(vocab), r.Totals.ToArray<double>()[0], 1e-5);
    }

    [Theory]
    [InlineData(16, true)]
    [InlineData(264, false)]
    public void HeadLoss_Gradient_MatchesFiniteDifferences(int vocab, bool both)
    {
        using DisposeScope scope = NewDisposeScope();
        var data = new HeadData(new HeadCase(vocab, 1, 9, 16, both, true, 0.7, true), 5);
        var device = new EmulatedDevice();
        HeadLossResult r = data.Run(device, 1);
        Check(data.Hidden, Sample.Doubles(r.DHidden!));
        Check(data.Weight, Sample.Doubles(r.DWeight!));

        void Check(Tensor x, double[] gradient)
        {
            const float h = 1.0f / 64;
            for (int i = 0; i < gradient.Length; i += 13)
            {
                float before = x.AsSpan<float>()[i];
                x.AsSpan<float>()[i] = before + h;
                double high = data.Run(device, 1, gradients: false).Totals.ToArray<double>()[0];
                x.AsSpan<float>()[i] = before - h;
                double low = data.Run(device, 1, gradients: false).Totals.ToArray<double>()[0];
                x.AsSpan<float>()[i] = before;
                Assert.Equal(gradient[i], (high - low) / (2 * h), 2e-3);
            }
        }
    }

    [Theory]
    [InlineData(16)]
    [InlineData(264)]
    public void HeadLoss_TargetOutsideTheVocabulary_IsNotFinite(int vocab)
    {
        using DisposeScope scope = NewDisposeScope();
        HeadLossResult r = HeadLossKernels.ForwardBackward(
            new EmulatedDevice(), ones([3, 8]), null, 1, 3, ones([vocab, 8]), tensor([1, vocab, 2]), null, 1, true);
        Assert.False(double.IsFinite(r.Totals.ToArray<double>()[0]));
    }

    [Fact]
    public void HeadLoss_FactorOnTheDeviceAndBound_GiveTheSame()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (int vocab in (int[])[16, 264])
        {
            var data = new HeadData(new HeadCase(vocab, 2, 40, 24, true, true, 0.4, false), 9);
            HeadLossResult a = data.Run(new EmulatedDevice(), 0.5);
            HeadLossResult b = data.Run(new EmulatedDevice(), 2, factor: tensor([0.25f]), bound: data.Count);
            // Another bound makes other chunks, whose products libtorch may sum in another order.
            Near(b.DHidden!, Sample.Doubles(a.DHidden!), vocab == 16 ? 0 : 1e-5, "dhidden");
            Assert.Equal(a.Totals.ToArray<double>()[0], b.Totals.ToArray<double>()[0], 1e-4);
        }

        var many = new HeadData(new HeadCase(264, 1, 40, 24, false, true, 1, false), 9);
        Assert.All(many.Run(new EmulatedDevice(), 1, bound: 8).Totals.ToArray<double>(), v => Assert.Equal(double.NaN, v));
    }

    private static void Near(Tensor actual, double[] truth, double tolerance, string what)
    {
        double error = Numbers.NormError(Sample.Doubles(actual), truth);
        Assert.True(error <= tolerance, $"{what} is off by {error:g3}");
    }
}
