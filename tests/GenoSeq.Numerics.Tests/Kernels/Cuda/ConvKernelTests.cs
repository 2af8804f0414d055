using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>The convolution's kernels on the emulator against the fp64 reference.</summary>
public sealed class ConvKernelTests
{
    // Relative norms. bf16: rounding of u and dx is 1.7e-3; sums of gradients are fp32.
    private const double F32 = 1e-5, Bf16 = 4e-3;

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Conv_EveryLengthTo70_MatchesReference(bool forward, bool reverse)
    {
        for (int length = 1; length <= 70; length++)
        {
            bool ids = length % 3 == 1, before = length % 2 == 0;
            Check(new ConvCase(2, length, 8 * (1 + (length % 5)), forward, reverse, ids, before, length % 4 < 2) { Gap = length % 7 == 0 ? 8 : 0 });
        }
    }

    [Theory]
    [InlineData(127, 72, false)]
    [InlineData(131, 136, true)]
    [InlineData(257, 264, true)]
    [InlineData(193, 512, false)]
    public void Conv_Primes_MatchReference(int length, int channels, bool ids)
    {
        Check(new ConvCase(2, length, channels, true, true, ids, true, false) { Gap = 16 });
        Check(new ConvCase(1, length, channels, true, true, ids, true, true));
        Check(new ConvCase(1, length, channels, false, true, ids, false, false) { Bias = false });
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Conv_FewerTaps_MatchReference(int taps)
    {
        Check(new ConvCase(2, 71, 24, true, true, false, true, true) { Taps = taps });
        Check(new ConvCase(2, 71, 24, true, true, true, false, false) { Taps = taps });
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Conv_WithProjections_EveryLengthTo40_MatchesReference(bool forward, bool reverse)
    {
        for (int length = 1; length <= 40; length++)
        {
            bool ids = length % 3 == 1, before = length % 4 == 0;
            Check(new ConvCase(1 + (length % 3), length, 8 * (1 + (length % 5)), forward, reverse, ids, before, false)
            {
                Gap = length % 7 == 0 ? 8 : 0,
                Width = length % 2 == 0 ? 48 : 40,
            });
        }
    }

    [Theory]
    [InlineData(131, 24, 48, false)]
    [InlineData(257, 136, 8, true)]
    [InlineData(1031, 64, 40, false)]
    [InlineData(67, 512, 48, true)]
    [InlineData(61, 264, 80, false)]
    [InlineData(35, 512, 128, false)]
    public void Conv_WithProjections_Widths_MatchReference(int length, int channels, int width, bool ids)
    {
        Check(new ConvCase(2, length, channels, true, true, ids, true, false) { Gap = 16, Width = width });
        Check(new ConvCase(3, length, channels, true, true, ids, false, false) { Width = width, Bias = false });
        Check(new ConvCase(1, length, channels, false, true, ids, false, false) { Width = width });
    }

    [Theory]
    [InlineData(5, 3)]
    [InlineData(40, 7)]
    [InlineData(9, 64)]
    [InlineData(3, 129)]
    public void Conv_ManySequences_MatchReference(int batch, int length)
    {
        Check(new ConvCase(batch, length, 72, true, true, false, false, false));
        Check(new ConvCase(batch, length, 72, true, true, true, false, true));
        Check(new ConvCase(batch, length, 72, true, true, false, false, false) { Width = 48 });
        Check(new ConvCase(batch, length, 72, true, false, false, false, true));
    }

    [Fact]
    public void Conv_WithProjections_OtherOrderOfThreads_GivesTheSameBits()
    {
        using DisposeScope scope = NewDisposeScope();
        var data = new ConvData(new ConvCase(3, 75, 136, true, true, true, false, false) { Width = 40 });
        Results expected = data.Run(new EmulatedDevice());
        Numbers.AssertSame(data.Run(new EmulatedDevice { Resident = 2, Seed = 1 }), expected, "in another order");
    }

    [Fact]
    public void Conv_Twice_OrInAnotherOrderOfThreads_GivesTheSameBits()
    {
        using DisposeScope scope = NewDisposeScope();
        var data = new ConvData(new ConvCase(2, 150, 72, true, true, true, true, false));
        Results expected = data.Run(new EmulatedDevice());
        Numbers.AssertSame(data.Run(new EmulatedDevice()), expected, "again");
        Numbers.AssertSame(data.Run(new EmulatedDevice { Resident = 3, Seed = 1 }), expected, "in another order");
    }

    [Fact]
    public void Conv_FiniteDifferences_AgreeWithDx()
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new EmulatedDevice();
        var data = new ConvData(new ConvCase(1, 9, 8, true, true, true, true, true));
        double[] dx = data.Run(device)["dx"];
        double[] direction = [.. data.XValues.Select((_, i) => Math.Sin(i))];
        using Tensor move = tensor<float>([.. direction.Select(d => (float)(d * 1e-2))], 1, 9, 8);
        data.X.add_(move);
        double up = data.Objective(device);
        data.X.sub_(move).sub_(move);
        double difference = (up - data.Objective(device)) / 2e-2;
        double expected = dx.Zip(direction, (a, b) => a * b).Sum();
        Assert.InRange(difference, expected - (2e-3 * Math.Abs(expected)) - 1e-3, expected + (2e-3 * Math.Abs(expected)) + 1e-3);
    }

    [Fact]
    public void Conv_EmptySequence_GivesZeroGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        Results r = new ConvData(new ConvCase(2, 0, 16, true, true, false, true, true)).Run(new EmulatedDevice());
        Assert.All(r["forward.dweight"], v => Assert.Equal(0, v));
        Assert.All(r["reverse.dbefore"], v => Assert.Equal(0, v));
    }

    [Fact]
    public void Conv_UnfitInputs_AreRefused()
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new EmulatedDevice();
        var direction = new ConvDirection(zeros([12, 1, 4]), null, false, null);
        Assert.Throws<ArgumentException>(() => ConvKernels.Forward(device, zeros([1, 5, 12]), [direction], null));
        direction = new ConvDirection(zeros([16, 1, 5]), null, false, null);
        Assert.Throws<ArgumentException>(() => ConvKernels.Forward(device, zeros([1, 5, 16]), [direction], null));
        direction = new ConvDirection(zeros([16, 1, 4]), null, false, null);
        Assert.Throws<ArgumentException>(() => ConvKernels.Forward(device, zeros([1, 5, 16]), [direction, direction], null));
        Assert.Throws<ArgumentException>(() => ConvKernels.Forward(device, zeros([1, 5, 16]).transpose(1, 2), [direction], null));
        Assert.Throws<ArgumentException>(() => ConvKernels.Forward(device, zeros([1, 5, 16], float64), [direction], null));
        Tensor x = zeros([1, 5, 16]), half = zeros([1, 5, 16], bfloat16);
        Assert.Throws<ArgumentException>(() => ConvKernels.Backward(
            device, x, [direction], null, [x], empty_like(x), [new ConvProjection(zeros([1, 5, 8]), zeros([8, 16]))]));
        Assert.Throws<ArgumentException>(() => ConvKernels.Backward(
            device, half, [direction], null, [half], empty_like(half), [new ConvProjection(zeros([1, 5, 12], bfloat16), zeros([12, 16], bfloat16))]));
    }

    private static void Check(ConvCase c)
    {
        using DisposeScope scope = NewDisposeScope();
        var data = new ConvData(c);
        Results actual = data.Run(new EmulatedDevice());
        Results truth = data.Reference();
        Assert.Equal(truth.Keys.Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, double[] expected) in truth)
        {
            double error = Numbers.NormError(actual[name], expected);
            Assert.True(error <= (c.Single ? F32 : Bf16), $"{c}: {name} is off by {error:g3}");
        }
    }
}
