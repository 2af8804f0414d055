using System.Numerics;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Numerics.Tests.Kernels;

public sealed unsafe class CausalConvTests
{
    public static TheoryData<int, int, int> Shapes
    {
        get
        {
            var shapes = new TheoryData<int, int, int>();
            foreach (int length in new[] { 0, 1, 2, 7, 63, 64, 65, 1029 })
            {
                foreach (int channels in new[] { 1, 3, 16, 17, 48, 100 })
                {
                    foreach (int taps in new[] { 1, 2, 4, 8 }) shapes.Add(length, channels, taps);
                }
            }

            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ForwardAndBackward_AnyShape_MatchReference(int length, int channels, int taps)
    {
        var c = new Case { Length = length, Channels = channels, Taps = taps, Reverse = length % 2 == 1, Gap = channels % 4 };
        Check(c, 2);
        Check(c with { FinalGradient = false, Reverse = !c.Reverse }, 3);
    }

    [Theory]
    [CombinatorialFlags(7)]
    public void ForwardAndBackward_AnyOptions_MatchReference(int flags) => Check(
        new Case
        {
            Length = 140,
            Channels = 19,
            Bias = (flags & 1) != 0,
            Silu = (flags & 2) != 0,
            Reverse = (flags & 4) != 0,
            Halo = (flags & 8) != 0,
            FinalGradient = (flags & 16) != 0,
            Resets = (flags & 32) != 0,
            Accumulate = (flags & 64) != 0,
            Taps = (flags & 9) == 9 ? 3 : 4,
            Gap = 1,
        },
        flags);

    [Theory]
    [InlineData(false, false, 9)]
    [InlineData(true, false, 9)]
    [InlineData(false, true, 9)]
    [InlineData(true, true, 9)]
    [InlineData(true, false, 2)]
    public void ReferenceBackward_EveryInput_MatchesFiniteDifferences(bool reverse, bool resets, int length)
    {
        var c = new Case { Batch = 2, Length = length, Channels = 2, Taps = 4, Reverse = reverse, Resets = resets };
        var data = new Data(c, 4);
        Results gradients = Run<double>(c, data, KernelPath.Reference);
        Difference(c, data, data.X, gradients["dx"], "dx");
        Difference(c, data, data.Weight, gradients["dweight"], "dweight");
        Difference(c, data, data.Bias!, gradients["dbias"], "dbias");
        Difference(c, data, data.Halo!, gradients["dhalo"], "dhalo");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ForwardAndBackward_SplitWithHalo_EqualOneRun(bool reverse)
    {
        const int Channels = 18;
        var whole = new Case { Batch = 1, Length = 90, Channels = Channels, Reverse = reverse };
        var data = new Data(whole, 8);
        Results truth = Run<double>(whole, data, KernelPath.Reference);
        foreach (KernelPath path in KernelPaths.Fast)
        {
            const int Cut = 31 * Channels;
            Data low = data.With(data.X[..Cut], data.DOut[..Cut]);
            Data high = data.With(data.X[Cut..], data.DOut[Cut..]);
            (Data first, Data second) = reverse ? (high, low) : (low, high);
            Case firstCase = whole with { Length = first.X.Length / Channels };
            Case secondCase = whole with { Length = second.X.Length / Channels };
            second.Halo = Run<float>(firstCase, first, path)["final"];
            Results b = Run<float>(secondCase, second, path);
            first.DFinal = b["dhalo"];
            Results a = Run<float>(firstCase, first, path);
            foreach (string name in new[] { "out", "dx" })
            {
                double[] joined = reverse ? [.. b[name], .. a[name]] : [.. a[name], .. b[name]];
                Assert.InRange(Numbers.MaxError(joined, truth[name]), 0, Numbers.Tolerance["conv.backward"]);
            }

            double[] sum = [.. a["dweight"].Zip(b["dweight"], (x, y) => x + y)];
            Assert.InRange(Numbers.MaxError(sum, truth["dweight"]), 0, Numbers.Tolerance["conv.backward"]);
            Assert.Equal(truth["final"], b["final"]);
        }
    }

    [Fact]
    public void Backward_AnyThreadCount_IsBitwiseEqual()
    {
        var c = new Case { Length = 1500, Channels = 33 };
        var data = new Data(c, 9);
        int before = KernelThreads.Count;
        try
        {
            KernelThreads.Count = 1;
            Results one = Run<float>(c, data, KernelDispatch.Widest);
            foreach (int threads in new[] { 2, 3, 5 })
            {
                KernelThreads.Count = threads;
                Numbers.AssertSame(Run<float>(c, data, KernelDispatch.Widest), one, $"{threads} threads");
            }
        }
        finally
        {
            KernelThreads.Count = before;
        }
    }

    [Fact]
    public void Forward_TooManyTaps_Throws() => Assert.Throws<ArgumentException>(
        () => CausalConv.Forward(new CausalConvInputs<float> { Batch = 1, Length = 1, Channels = 1, Taps = 9 }, default));

    private static void Check(Case c, int seed)
    {
        var data = new Data(c, seed);
        Results truth = Run<double>(c, data, KernelPath.Reference);
        foreach (KernelPath path in (KernelPath[])[KernelPath.Reference, .. KernelPaths.Fast])
        {
            Results actual = Run<float>(c, data, path);
            Numbers.AssertClose(actual, truth, Numbers.Tolerance["conv.backward"], $"{path} {c}");
            double error = Numbers.MaxError(actual["out"], truth["out"]);
            Assert.True(error <= Numbers.Tolerance["conv.forward"], $"{path} {c}: out differs by {error:g3}");
        }
    }

    private static Results Run<T>(Case c, Data data, KernelPath path)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var arena = new Arena<T>(c.Gap);
        double[] fill = [.. Enumerable.Repeat(0.25, data.X.Length)];
        double[] halo = [.. Enumerable.Repeat(0.25, c.Batch * (c.Taps - 1) * c.Channels)];
        var x = new CausalConvInputs<T>
        {
            Batch = c.Batch,
            Length = c.Length,
            Channels = c.Channels,
            Taps = c.Taps,
            X = arena.Rows(data.X, c.Batch, c.Length, c.Channels),
            Weight = arena.Array(data.Weight),
            Bias = arena.Array(data.Bias),
            Silu = c.Silu,
            Reverse = c.Reverse,
            InitialHalo = arena.Array(data.Halo),
            SequenceIds = arena.Ints(data.Ids),
            SequenceIdsBatchStride = c.Length,
        };
        var o = new CausalConvOutputs<T> { Out = arena.Rows(fill, c.Batch, c.Length, c.Channels), FinalHalo = arena.Array(halo) };
        var g = new CausalConvGradients<T>
        {
            DOut = arena.Rows(data.DOut, c.Batch, c.Length, c.Channels),
            DFinalHalo = arena.Array(data.DFinal),
            DX = arena.Rows(fill, c.Batch, c.Length, c.Channels),
            AccumulateX = c.Accumulate,
            DWeight = arena.Array([.. Enumerable.Repeat(0.25, data.Weight.Length)]),
            DBias = arena.Array([.. Enumerable.Repeat(0.25, c.Channels)]),
            AccumulateParameters = c.Accumulate,
            DInitialHalo = c.FinalGradient ? arena.Array(halo) : null,
        };
        if (path == KernelPath.Reference)
        {
            CausalConvReference.Forward(x, o);
            CausalConvReference.Backward(x, g);
        }
        else
        {
            using KernelDispatch.Scope scope = KernelDispatch.Use(path);
            CausalConv.Forward((CausalConvInputs<float>)(object)x, (CausalConvOutputs<float>)(object)o);
            CausalConv.Backward((CausalConvInputs<float>)(object)x, (CausalConvGradients<float>)(object)g);
        }

        var results = new Results();
        results.Put("out", Arena<T>.Read(o.Out, c.Batch, c.Length, c.Channels));
        results.Put("final", Arena<T>.Read(o.FinalHalo, halo));
        results.Put("dx", Arena<T>.Read(g.DX, c.Batch, c.Length, c.Channels));
        results.Put("dweight", Arena<T>.Read(g.DWeight, data.Weight));
        results.Put("dbias", Arena<T>.Read(g.DBias, new double[c.Channels]));
        results.Put("dhalo", Arena<T>.Read(g.DInitialHalo, halo));
        arena.CheckGaps();
        return results;
    }

    private static void Difference(Case c, Data data, double[] input, double[] gradient, string name)
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
            Assert.True(Math.Abs(numeric - gradient[i]) < 1e-8, $"{name}[{i}]: {gradient[i]} but differences give {numeric}");
        }
    }

    private static double Loss(Case c, Data data)
    {
        Results forward = Run<double>(c, data, KernelPath.Reference);
        return data.DOut.Zip(forward["out"], (a, b) => a * b).Sum() + data.DFinal!.Zip(forward["final"], (a, b) => a * b).Sum();
    }

    private sealed record Case
    {
        public int Batch { get; init; } = 2;
        public int Length { get; init; }
        public int Channels { get; init; }
        public int Taps { get; init; } = 4;
        public bool Bias { get; init; } = true;
        public bool Silu { get; init; } = true;
        public bool Reverse { get; init; }
        public bool Halo { get; init; } = true;
        public bool FinalGradient { get; init; } = true;
        public bool Resets { get; init; }
        public bool Accumulate { get; init; }
        public int Gap { get; init; }
    }

    private sealed class Data
    {
        public Data(Case c, int seed)
        {
            var random = new Random(seed);
            int rows = c.Batch * c.Length;
            int halo = c.Batch * (c.Taps - 1) * c.Channels;
            X = Numbers.Uniform(random, rows * c.Channels, -2, 2);
            DOut = Numbers.Uniform(random, rows * c.Channels, -1, 1);
            Weight = Numbers.Uniform(random, c.Channels * c.Taps, -1, 1);
            Bias = c.Bias ? Numbers.Uniform(random, c.Channels, -1, 1) : null;
            Halo = c.Halo ? Numbers.Uniform(random, halo, -1, 1) : null;
            DFinal = c.FinalGradient ? Numbers.Uniform(random, halo, -1, 1) : null;
            if (!c.Resets) return;
            Ids = new int[rows];
            int id = 0;
            for (int i = 0; i < rows; i++) Ids[i] = random.Next(5) == 0 ? ++id : id;
        }

        public double[] X { get; private init; }
        public double[] DOut { get; private init; }
        public double[] Weight { get; private init; }
        public double[]? Bias { get; private init; }
        public double[]? Halo { get; set; }
        public double[]? DFinal { get; set; }
        public int[]? Ids { get; private init; }

        public Data With(double[] x, double[] dout) => new(new Case { Channels = 1 }, 0)
        {
            X = x,
            DOut = dout,
            Weight = Weight,
            Bias = Bias,
            Halo = Halo,
            DFinal = DFinal,
        };
    }
}
