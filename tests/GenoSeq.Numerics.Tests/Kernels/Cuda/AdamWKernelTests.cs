using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>The optimizer's kernels on the emulator against the optimizer on the CPU.</summary>
public sealed class AdamWKernelTests
{
    // Both compute in single precision; sums of squares in double. Relative norm.
    private const double Tolerance = 5e-7;

    private static readonly long[][] s_shapes = [[3, 5], [1], [130, 127], [40000], [16384]];

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(1e6)]
    public void Step_Clipped_MatchesTheCpu(double clip)
    {
        using DisposeScope scope = NewDisposeScope();
        using optim.AdamW expected = Optimizer(3);
        using optim.AdamW actual = Optimizer(3);
        using EmulatedDevice.Scope emulator = new EmulatedDevice().Use();
        using DeviceAdamW steps = DeviceAdamW.Attach(actual, copies: true)!;
        for (int i = 0; i < 3; i++)
        {
            Gradients(expected, i);
            Gradients(actual, i);
            expected.LearningRate = actual.LearningRate = 1e-2 / (i + 1);
            double[] norm = expected.step_clipped(clip).ToArray<double>();
            double[] given = actual.step_clipped(clip).ToArray<double>();
            Assert.Equal(norm[0], given[0], norm[0] * 1e-12);
            Assert.Equal(1, given[1]);
            AssertSame(expected, actual);
        }

        Assert.Equal(3, actual.StepCount);
        foreach ((string name, nn.Parameter p) in actual.Groups.SelectMany(g => g.Parameters))
            Assert.Equal(Sample.Bits(p.detach().to(bfloat16)), Sample.Bits(steps.Copies[name]));
    }

    [Fact]
    public void Step_WithScale_MatchesTheCpuAndRepeats()
    {
        using DisposeScope scope = NewDisposeScope();
        using optim.AdamW expected = Optimizer(4);
        Gradients(expected, 1);
        expected.step(0.25);
        var bits = new List<byte[]>();
        for (int seed = 0; seed < 2; seed++)
        {
            using optim.AdamW actual = Optimizer(4);
            using EmulatedDevice.Scope emulator = new EmulatedDevice { Seed = seed }.Use();
            using DeviceAdamW steps = DeviceAdamW.Attach(actual)!;
            Gradients(actual, 1);
            actual.step(0.25);
            AssertSame(expected, actual);
            bits.Add([.. actual.State.SelectMany(s => Sample.Bits(s.ExpAvgSq))]);
        }

        Assert.Equal(bits[0], bits[1]);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Step_NormNotFinite_UpdatesNothing(float spoilt)
    {
        using DisposeScope scope = NewDisposeScope();
        using optim.AdamW expected = Optimizer(5);
        using optim.AdamW actual = Optimizer(5);
        using EmulatedDevice.Scope emulator = new EmulatedDevice().Use();
        using DeviceAdamW steps = DeviceAdamW.Attach(actual)!;
        Gradients(actual, 0);
        actual.Groups[1].Parameters[0].Value.grad!.AsSpan<float>()[7] = spoilt;
        Assert.Equal(0, actual.step_clipped(1).ToArray<double>()[1]);
        AssertSame(expected, actual);
    }

    [Fact]
    public void Step_ParameterWithoutGradient_IsLeftAlone()
    {
        using DisposeScope scope = NewDisposeScope();
        using optim.AdamW expected = Optimizer(6);
        using optim.AdamW actual = Optimizer(6);
        using EmulatedDevice.Scope emulator = new EmulatedDevice().Use();
        using DeviceAdamW steps = DeviceAdamW.Attach(actual)!;
        foreach (optim.AdamW o in (optim.AdamW[])[expected, actual])
        {
            Gradients(o, 0);
            o.Groups[0].Parameters[2].Value.grad = null;
            o.step_clipped(1);
        }

        AssertSame(expected, actual);
    }

    [Fact]
    public void Step_GroupsOfTheirOwnRateThatJoinLate_MatchTheCpu()
    {
        using DisposeScope scope = NewDisposeScope();
        using optim.AdamW expected = Optimizer(7, 0.25);
        using optim.AdamW actual = Optimizer(7, 0.25);
        using EmulatedDevice.Scope emulator = new EmulatedDevice().Use();
        using DeviceAdamW steps = DeviceAdamW.Attach(actual)!;
        for (int i = 0; i < 4; i++)
        {
            foreach (optim.AdamW o in (optim.AdamW[])[expected, actual])
            {
                Gradients(o, i);
                o.Groups[1].Frozen = i < 2;
                o.Groups[1].StepsBefore = 2;
            }

            double norm = expected.step_clipped(1).ToArray<double>()[0];
            Assert.Equal(norm, actual.step_clipped(1).ToArray<double>()[0], norm * 1e-12);
            AssertSame(expected, actual);
        }
    }

    private static optim.AdamW Optimizer(int seed, double rateOfSecond = 1)
    {
        var sample = new Sample(seed);
        (string, nn.Parameter)[] all =
            [.. s_shapes.Select((s, i) => ($"p{i}", new nn.Parameter(sample.Normal(float32, s).Tensor)))];
        return new optim.AdamW([new optim.ParamGroup(all[..3], 0.1), new optim.ParamGroup(all[3..], 0) { RateScale = rateOfSecond }], 1e-2, 0.9, 0.95);
    }

    private static void Gradients(optim.AdamW optimizer, int seed)
    {
        var sample = new Sample(100 + seed);
        foreach ((_, nn.Parameter p) in optimizer.Groups.SelectMany(g => g.Parameters)) p.grad = sample.Normal(float32, p.shape).Tensor;
    }

    private static void AssertSame(optim.AdamW expected, optim.AdamW actual)
    {
        foreach ((nn.Parameter e, nn.Parameter a) in expected.Groups.SelectMany(g => g.Parameters).Select(p => p.Value)
            .Zip(actual.Groups.SelectMany(g => g.Parameters).Select(p => p.Value)))
            Assert.True(Numbers.NormError(Sample.Doubles(a.detach()), Sample.Doubles(e.detach())) <= Tolerance);
        foreach (((string name, Tensor m, Tensor v), (_, Tensor am, Tensor av)) in expected.State.Zip(actual.State))
        {
            Assert.True(Numbers.NormError(Sample.Doubles(am), Sample.Doubles(m)) <= Tolerance, name);
            Assert.True(Numbers.NormError(Sample.Doubles(av), Sample.Doubles(v)) <= Tolerance, name);
        }
    }
}
