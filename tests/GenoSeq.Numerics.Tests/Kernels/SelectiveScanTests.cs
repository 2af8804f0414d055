using GenoSeq.Models.Kernels;

namespace GenoSeq.Numerics.Tests.Kernels;

public sealed class SelectiveScanTests
{
    public static TheoryData<int, int, int> Shapes
    {
        get
        {
            var shapes = new TheoryData<int, int, int>();
            foreach (int length in new[] { 0, 1, 2, 7, 63, 64, 65 })
            {
                foreach (int channels in new[] { 1, 3, 16, 17, 48, 100 })
                {
                    foreach (int states in new[] { 1, 4, 16, 20 }) shapes.Add(length, channels, states);
                }
            }

            shapes.Add(1029, 17, 16);
            shapes.Add(2500, 3, 4);
            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ForwardAndBackward_AnyShape_MatchReference(int length, int channels, int states)
    {
        var c = new ScanCase
        {
            Length = length,
            Channels = channels,
            States = states,
            Initial = true,
            FinalGradient = true,
            Reverse = (length + channels) % 2 == 0,
            Gap = channels % 3,
        };
        Check(c, 1);
    }

    [Theory]
    [CombinatorialFlags(7)]
    public void ForwardAndBackward_AnyOptions_MatchReference(int flags)
    {
        var c = new ScanCase
        {
            Length = 131,
            Channels = 19,
            States = 5,
            Gap = 3,
            Skip = (flags & 1) != 0,
            Gate = (flags & 2) != 0,
            Bias = (flags & 4) != 0,
            Softplus = (flags & 8) != 0,
            Reverse = (flags & 16) != 0,
            Initial = (flags & 32) != 0,
            FinalGradient = (flags & 32) != 0,
            Resets = (flags & 64) != 0,
            Checkpoints = (flags & 3) == 3,
        };
        Check(c, flags);
    }

    [Fact]
    public void ForwardAndBackward_Accumulating_AddIntoTargets()
    {
        const ScanAccumulate All = ScanAccumulate.U | ScanAccumulate.Delta | ScanAccumulate.Z | ScanAccumulate.B | ScanAccumulate.C
            | ScanAccumulate.Parameters;
        var plain = new ScanCase { Length = 70, Channels = 18, States = 4 };
        var data = new ScanData(plain, 5);
        foreach (KernelPath path in (KernelPath[])[KernelPath.Reference, .. KernelPaths.Fast])
        {
            Results once = ScanRunner.Run<float>(plain, data, path);
            Results added = ScanRunner.Run<float>(plain with { AccumulateOut = true, Accumulate = All }, data, path);
            foreach (string name in once.Keys.Where(name => name != "final"))
            {
                double[] expected = [.. once[name].Select(value => value + ScanRunner.Prefill)];
                Assert.True(Numbers.MaxError(added[name], expected) < 1e-6, $"{path} {name}");
            }

            Results mixed = ScanRunner.Run<float>(plain with { Accumulate = ScanAccumulate.Z }, data, path);
            Assert.Equal(once["du"], mixed["du"]);
            Assert.Equal(added["dz"], mixed["dz"]);
        }
    }

    [Fact]
    public void ForwardAndBackward_AnyThreadCount_AreBitwiseEqual()
    {
        var c = new ScanCase { Length = 2200, Channels = 200, States = 16, Resets = true };
        var data = new ScanData(c, 9);
        int before = KernelThreads.Count;
        try
        {
            KernelThreads.Count = 1;
            Results one = ScanRunner.Run<float>(c, data, KernelDispatch.Widest);
            foreach (int threads in new[] { 2, 3, 5 })
            {
                KernelThreads.Count = threads;
                Numbers.AssertSame(ScanRunner.Run<float>(c, data, KernelDispatch.Widest), one, $"{threads} threads");
            }
        }
        finally
        {
            KernelThreads.Count = before;
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void ReferenceBackward_EveryInput_MatchesFiniteDifferences(bool reverse, bool resets)
    {
        var c = new ScanCase
        {
            Batch = 2,
            Length = 7,
            Channels = 3,
            States = 2,
            Initial = true,
            FinalGradient = true,
            Reverse = reverse,
            Resets = resets,
        };
        var data = new ScanData(c, 3);
        Results gradients = ScanRunner.Run<double>(c, data, KernelPath.Reference);
        Difference(c, data, data.U, gradients["du"], "du");
        Difference(c, data, data.Delta, gradients["ddelta"], "ddelta");
        Difference(c, data, data.A, gradients["dA"], "dA");
        Difference(c, data, data.B, gradients["dB"], "dB");
        Difference(c, data, data.C, gradients["dC"], "dC");
        Difference(c, data, data.D!, gradients["dD"], "dD");
        Difference(c, data, data.Z!, gradients["dz"], "dz");
        Difference(c, data, data.Bias!, gradients["dbias"], "dbias");
        Difference(c, data, data.Initial!, gradients["dinitial"], "dinitial");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ForwardAndBackward_SplitWithStatePassing_EqualOneRun(bool reverse)
    {
        const int Length = 100;
        const int Cut = 37;
        var whole = new ScanCase { Batch = 1, Length = Length, Channels = 20, States = 16, Initial = true, FinalGradient = true, Reverse = reverse };
        var data = new ScanData(whole, 11);
        Results truth = ScanRunner.Run<double>(whole, data, KernelPath.Reference);
        foreach (KernelPath path in KernelPaths.Fast)
        {
            // First and second are in scan order: in reverse, the first part is the later stretch of time.
            ScanData low = Slice(data, whole, 0, Cut);
            ScanData high = Slice(data, whole, Cut, Length);
            (ScanData first, ScanData second) = reverse ? (high, low) : (low, high);
            ScanCase firstCase = whole with { Length = first.DOut.Length / 20 };
            ScanCase secondCase = whole with { Length = second.DOut.Length / 20 };
            second.Initial = ScanRunner.Run<float>(firstCase, first, path, backward: false)["final"];
            Results b = ScanRunner.Run<float>(secondCase, second, path);
            first.DFinal = b["dinitial"];
            Results a = ScanRunner.Run<float>(firstCase, first, path);
            double tolerance = Numbers.Tolerance["scan.backward"];
            foreach (string name in new[] { "out", "du", "ddelta", "dz", "dB", "dC" })
            {
                double[] joined = reverse ? [.. b[name], .. a[name]] : [.. a[name], .. b[name]];
                Assert.True(Numbers.MaxError(joined, truth[name]) < tolerance, $"{path} {name}");
            }

            foreach (string name in new[] { "dA", "dD", "dbias" })
            {
                double[] sum = [.. a[name].Zip(b[name], (x, y) => x + y)];
                Assert.True(Numbers.MaxError(sum, truth[name]) < tolerance, $"{path} {name}");
            }

            Assert.True(Numbers.MaxError(b["final"], truth["final"]) < tolerance, $"{path} final");
            Assert.True(Numbers.MaxError(a["dinitial"], truth["dinitial"]) < tolerance, $"{path} dinitial");
        }
    }

    [Fact]
    public void Forward_MissingOrBadArguments_Throws()
    {
        var missing = new SelectiveScanInputs<float> { Batch = 1, Length = 4, Channels = 2, States = 2 };
        ArgumentException e = Assert.Throws<ArgumentException>(() => SelectiveScan.Forward(missing, default));
        Assert.Contains("U", e.Message, StringComparison.Ordinal);
        var negative = new SelectiveScanInputs<float> { Batch = 1, Length = -1, Channels = 2, States = 2 };
        Assert.Throws<ArgumentException>(() => SelectiveScan.Forward(negative, default));
    }

    private static void Check(ScanCase c, int seed)
    {
        var data = new ScanData(c, seed);
        Results truth = ScanRunner.Run<double>(c, data, KernelPath.Reference);
        foreach (KernelPath path in (KernelPath[])[KernelPath.Reference, .. KernelPaths.Fast])
        {
            Results fast = ScanRunner.Run<float>(c, data, path);
            Assert.Equal(truth.Keys, fast.Keys);
            foreach ((string name, double[] expected) in truth)
            {
                double tolerance = Numbers.Tolerance[name is "out" or "final" ? "scan.forward" : "scan.backward"];
                double error = Numbers.MaxError(fast[name], expected);
                Assert.True(error <= tolerance, $"{path} {c}: {name} differs by {error:g3}, more than {tolerance:g3}");
            }
        }
    }

    private static void Difference(ScanCase c, ScanData data, double[] input, double[] gradient, string name)
    {
        const double Step = 1e-5;
        for (int i = 0; i < input.Length; i++)
        {
            double kept = input[i];
            input[i] = kept + Step;
            double up = Loss(c, data);
            input[i] = kept - Step;
            double down = Loss(c, data);
            input[i] = kept;
            double numeric = (up - down) / (2 * Step);
            Assert.True(Math.Abs(numeric - gradient[i]) < 1e-7 * (1 + Math.Abs(numeric)), $"{name}[{i}]: {gradient[i]} but differences give {numeric}");
        }
    }

    private static double Loss(ScanCase c, ScanData data)
    {
        Results forward = ScanRunner.Run<double>(c, data, KernelPath.Reference, backward: false);
        double loss = 0;
        for (int i = 0; i < data.DOut.Length; i++) loss += data.DOut[i] * forward["out"][i];
        for (int i = 0; i < data.DFinal!.Length; i++) loss += data.DFinal[i] * forward["final"][i];
        return loss;
    }

    private static ScanData Slice(ScanData data, ScanCase c, int start, int end)
    {
        var part = new ScanData(c, 0) { A = data.A, D = data.D, Bias = data.Bias, Initial = data.Initial, DFinal = data.DFinal };
        part.U = data.U[(start * c.Channels)..(end * c.Channels)];
        part.Delta = data.Delta[(start * c.Channels)..(end * c.Channels)];
        part.Z = data.Z![(start * c.Channels)..(end * c.Channels)];
        part.DOut = data.DOut[(start * c.Channels)..(end * c.Channels)];
        part.B = data.B[(start * c.States)..(end * c.States)];
        part.C = data.C[(start * c.States)..(end * c.States)];
        return part;
    }
}
