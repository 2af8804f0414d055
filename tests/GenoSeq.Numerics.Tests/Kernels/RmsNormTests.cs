using System.Numerics;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Numerics.Tests.Kernels;

public sealed unsafe class RmsNormTests
{
    private const double Epsilon = 1e-5;

    [Theory]
    [InlineData(0, 16)]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(7, 16)]
    [InlineData(63, 17)]
    [InlineData(65, 48)]
    [InlineData(300, 100)]
    [InlineData(5, 1029)]
    public void ForwardAndBackward_AnyShapeAndOptions_MatchReference(int length, int channels)
    {
        for (int flags = 0; flags < 8; flags++)
        {
            var c = new Case(2, length, channels, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, flags % 3);
            var data = new Data(c, flags);
            Results truth = Run<double>(c, data, KernelPath.Reference);
            foreach (KernelPath path in (KernelPath[])[KernelPath.Reference, .. KernelPaths.Fast])
            {
                Results actual = Run<float>(c, data, path);
                Numbers.AssertClose(actual, truth, Numbers.Tolerance["norm.backward"], $"{path} {c}");
                Assert.InRange(Numbers.MaxError(actual["y"], truth["y"]), 0, Numbers.Tolerance["norm.forward"]);
            }
        }
    }

    [Fact]
    public void ReferenceBackward_EveryInput_MatchesFiniteDifferences()
    {
        var c = new Case(2, 3, 4, true, true, false, 0);
        var data = new Data(c, 1);
        Results gradients = Run<double>(c, data, KernelPath.Reference);
        Difference(data.X, gradients["dx"]);
        Difference(data.Residual!, gradients["dx"]);
        Difference(data.Weight, gradients["dweight"]);

        void Difference(double[] input, double[] gradient)
        {
            const double Step = 1e-5;
            for (int i = 0; i < input.Length; i++)
            {
                double kept = input[i];
                input[i] = kept + Step;
                double up = Loss();
                input[i] = kept - Step;
                double down = Loss();
                input[i] = kept;
                Assert.InRange(((up - down) / (2 * Step)) - gradient[i], -1e-8, 1e-8);
            }
        }

        double Loss()
        {
            Results forward = Run<double>(c, data, KernelPath.Reference);
            return data.DY.Zip(forward["y"], (a, b) => a * b).Sum() + data.DSum!.Zip(forward["sum"], (a, b) => a * b).Sum();
        }
    }

    [Fact]
    public void Backward_AnyThreadCount_IsBitwiseEqual()
    {
        var c = new Case(2, 700, 40, true, true, false, 0);
        var data = new Data(c, 2);
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
    public void Forward_NarrowRowStride_Throws()
    {
        float* data = stackalloc float[8];
        var rows = new Rows<float>(data, 1, 4);
        var x = new RmsNormInputs<float> { Batch = 1, Length = 2, Channels = 4, X = rows, Weight = data };
        ArgumentException e = Assert.Throws<ArgumentException>(() => RmsNorm.Forward(x, default));
        Assert.Contains("stride", e.Message, StringComparison.Ordinal);
    }

    private static Results Run<T>(Case c, Data data, KernelPath path)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var arena = new Arena<T>(c.Gap);
        double[] fill = new double[data.X.Length];
        double[] rows = new double[c.Batch * c.Length];
        var x = new RmsNormInputs<T>
        {
            Batch = c.Batch,
            Length = c.Length,
            Channels = c.Channels,
            X = arena.Rows(data.X, c.Batch, c.Length, c.Channels),
            Residual = arena.Rows(data.Residual, c.Batch, c.Length, c.Channels),
            Weight = arena.Array(data.Weight),
            Epsilon = T.CreateChecked((float)Epsilon),
        };
        var o = new RmsNormOutputs<T>
        {
            Y = arena.Rows(fill, c.Batch, c.Length, c.Channels),
            ResidualSum = arena.Rows(fill, c.Batch, c.Length, c.Channels),
            Rstd = arena.Array(rows),
        };
        var g = new RmsNormGradients<T>
        {
            Batch = c.Batch,
            Length = c.Length,
            Channels = c.Channels,
            ResidualSum = o.ResidualSum,
            Weight = x.Weight,
            Rstd = o.Rstd,
            DY = arena.Rows(data.DY, c.Batch, c.Length, c.Channels),
            DResidualSum = arena.Rows(data.DSum, c.Batch, c.Length, c.Channels),
            DX = arena.Rows(fill, c.Batch, c.Length, c.Channels),
            DWeight = arena.Array([.. Enumerable.Repeat(0.5, c.Channels)]),
            AccumulateWeight = c.Accumulate,
        };
        if (path == KernelPath.Reference)
        {
            RmsNormReference.Forward(x, o);
            RmsNormReference.Backward(g);
        }
        else
        {
            using KernelDispatch.Scope scope = KernelDispatch.Use(path);
            RmsNorm.Forward((RmsNormInputs<float>)(object)x, (RmsNormOutputs<float>)(object)o);
            RmsNorm.Backward((RmsNormGradients<float>)(object)g);
        }

        var results = new Results();
        results.Put("y", Arena<T>.Read(o.Y, c.Batch, c.Length, c.Channels));
        results.Put("sum", Arena<T>.Read(o.ResidualSum, c.Batch, c.Length, c.Channels));
        results.Put("rstd", Arena<T>.Read(o.Rstd, rows));
        results.Put("dx", Arena<T>.Read(g.DX, c.Batch, c.Length, c.Channels));
        results.Put("dweight", Arena<T>.Read(g.DWeight, data.Weight));
        arena.CheckGaps();
        return results;
    }

    private sealed record Case(int Batch, int Length, int Channels, bool Residual, bool SumGradient, bool Accumulate, int Gap);

    private sealed class Data(Case c, int seed)
    {
        public double[] X { get; } = Numbers.Uniform(new Random(seed), c.Batch * c.Length * c.Channels, -2, 2);

        public double[]? Residual { get; } =
            c.Residual ? Numbers.Uniform(new Random(seed + 100), c.Batch * c.Length * c.Channels, -2, 2) : null;

        public double[] Weight { get; } = Numbers.Uniform(new Random(seed + 200), c.Channels, 0.5, 1.5);

        public double[] DY { get; } = Numbers.Uniform(new Random(seed + 300), c.Batch * c.Length * c.Channels, -1, 1);

        public double[]? DSum { get; } =
            c.SumGradient ? Numbers.Uniform(new Random(seed + 400), c.Batch * c.Length * c.Channels, -1, 1) : null;
    }
}
