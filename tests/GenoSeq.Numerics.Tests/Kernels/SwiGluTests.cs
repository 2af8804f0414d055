using System.Numerics;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Numerics.Tests.Kernels;

public sealed class SwiGluTests
{
    [Theory]
    [InlineData(0, 16)]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(65, 17)]
    [InlineData(200, 100)]
    public void ForwardAndBackward_AnyShape_MatchReference(int length, int channels)
    {
        Results truth = Run<double>(length, channels, KernelPath.Reference);
        foreach (KernelPath path in (KernelPath[])[KernelPath.Reference, .. KernelPaths.Fast])
        {
            Results actual = Run<float>(length, channels, path);
            Numbers.AssertClose(actual, truth, Numbers.Tolerance["gate.backward"], path.ToString());
            Assert.InRange(Numbers.MaxError(actual["out"], truth["out"]), 0, Numbers.Tolerance["gate.forward"]);
        }
    }

    [Fact]
    public void ReferenceBackward_EveryInput_MatchesFiniteDifferences()
    {
        const double Step = 1e-5;
        (double[] gate, double[] up, double[] dout) = Data(3, 4);
        Results gradients = Run<double>(3, 4, KernelPath.Reference);
        for (int i = 0; i < gate.Length; i++)
        {
            double slope = (Silu(gate[i] + Step) - Silu(gate[i] - Step)) / (2 * Step);
            Assert.Equal(dout[i] * up[i] * slope, gradients["dgate"][i], 1e-8);
            Assert.Equal(dout[i] * Silu(gate[i]), gradients["dup"][i], 1e-8);
        }

        static double Silu(double v) => v / (1 + Math.Exp(-v));
    }

    private static (double[] Gate, double[] Up, double[] DOut) Data(int length, int channels)
    {
        var random = new Random(6);
        int count = 2 * length * channels;
        return (Numbers.Uniform(random, count, -6, 6), Numbers.Uniform(random, count, -2, 2), Numbers.Uniform(random, count, -1, 1));
    }

    private static Results Run<T>(int length, int channels, KernelPath path)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        (double[] gate, double[] up, double[] dout) = Data(length, channels);
        var arena = new Arena<T>(2);
        double[] fill = new double[gate.Length];
        var x = new SwiGluInputs<T>
        {
            Batch = 2,
            Length = length,
            Channels = channels,
            Gate = arena.Rows(gate, 2, length, channels),
            Up = arena.Rows(up, 2, length, channels),
        };
        Rows<T> output = arena.Rows(fill, 2, length, channels);
        var g = new SwiGluGradients<T>
        {
            DOut = arena.Rows(dout, 2, length, channels),
            DGate = arena.Rows(fill, 2, length, channels),
            DUp = arena.Rows(fill, 2, length, channels),
        };
        if (path == KernelPath.Reference)
        {
            SwiGluReference.Forward(x, output);
            SwiGluReference.Backward(x, g);
        }
        else
        {
            using KernelDispatch.Scope scope = KernelDispatch.Use(path);
            SwiGlu.Forward((SwiGluInputs<float>)(object)x, (Rows<float>)(object)output);
            SwiGlu.Backward((SwiGluInputs<float>)(object)x, (SwiGluGradients<float>)(object)g);
        }

        var results = new Results();
        results.Put("out", Arena<T>.Read(output, 2, length, channels));
        results.Put("dgate", Arena<T>.Read(g.DGate, 2, length, channels));
        results.Put("dup", Arena<T>.Read(g.DUp, 2, length, channels));
        arena.CheckGaps();
        return results;
    }
}
