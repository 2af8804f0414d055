using System.Runtime.Intrinsics;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cpu;

namespace GenoSeq.Numerics.Tests.Kernels;

public sealed unsafe class VectorMathTests
{
    [Fact]
    public void Exp2_WholeRange_IsAccurate()
    {
        foreach (KernelPath path in KernelPaths.Fast)
        {
            double worst = 0;
            for (double x = -125.99; x < 127.99; x += 0.00037)
            {
                float exact = (float)x;
                double truth = Math.Pow(2, exact);
                worst = Math.Max(worst, Math.Abs(Apply(path, Function.Exp2, exact) - truth) / truth);
            }

            Assert.InRange(worst, 0, 2e-7);
        }
    }

    [Fact]
    public void Exp2_NearZero_KeepsSlope()
    {
        foreach (KernelPath path in KernelPaths.Fast)
        {
            Assert.Equal(1f, Apply(path, Function.Exp2, 0f));
            for (double x = -1e-2; x < 1e-2; x += 1e-5)
                Assert.InRange(Apply(path, Function.Exp2, (float)x) - Math.Pow(2, (float)x), -6.1e-8, 6.1e-8);
        }
    }

    [Fact]
    public void ExpAndExp2_Extremes_UnderflowOverflowAndPropagateNaN()
    {
        foreach (KernelPath path in KernelPaths.Fast)
        {
            foreach (Function f in new[] { Function.Exp2, Function.Exp })
            {
                Assert.Equal(0f, Apply(path, f, float.NegativeInfinity));
                Assert.Equal(0f, Apply(path, f, -1e30f));
                Assert.Equal(0f, Apply(path, f, -200f));
                Assert.Equal(float.PositiveInfinity, Apply(path, f, 1e30f));
                Assert.Equal(float.PositiveInfinity, Apply(path, f, float.PositiveInfinity));
                Assert.True(float.IsNaN(Apply(path, f, float.NaN)));
            }

            // Between the smallest normal number and zero, anything from the true value to zero will do.
            for (float x = -152; x < -126; x += 0.13f) Assert.InRange(Apply(path, Function.Exp2, x), 0f, 1.2f * MathF.Pow(2, x) + 2e-45f);
        }
    }

    [Fact]
    public void Exp_WholeRange_IsAccurate()
    {
        foreach (KernelPath path in KernelPaths.Fast)
        {
            double worst = 0;
            for (double x = -87; x < 88.6; x += 0.00031)
            {
                double truth = Math.Exp((float)x);
                worst = Math.Max(worst, Math.Abs(Apply(path, Function.Exp, (float)x) - truth) / truth);
            }

            // The one-lane path has no fused multiply-add to make the two-part product exact.
            Assert.InRange(worst, 0, path == KernelPath.Scalar ? 6e-6 : 2.5e-7);
        }
    }

    [Fact]
    public void Softplus_WholeRange_HasSmallRelativeError()
    {
        foreach (KernelPath path in KernelPaths.Fast)
        {
            for (double v = -80; v < 60; v += 0.0113)
            {
                float x = (float)v;
                double e = Math.Exp(x);
                double truth = x > 20 ? x : x < -10 ? e - (e * e / 2) : Math.Log(1 + e);
                double limit = path == KernelPath.Scalar ? 6e-6 : 1e-6;
                Assert.InRange(Math.Abs(Apply(path, Function.Softplus, x) - truth) / truth, 0, limit);
                Assert.InRange(Math.Abs(Apply(path, Function.SoftplusPair, x) - truth) / truth, 0, limit);
                double sigmoid = 1 / (1 + Math.Exp(-x));
                Assert.InRange(Math.Abs(Apply(path, Function.SigmoidPair, x) - sigmoid) / sigmoid, 0, limit);
                Assert.InRange(Math.Abs(Apply(path, Function.Sigmoid, x) - sigmoid) / sigmoid, 0, limit);
            }

            Assert.Equal(50f, Apply(path, Function.Softplus, 50f));
            Assert.True(float.IsNaN(Apply(path, Function.Softplus, float.NaN)));
            Assert.True(float.IsNaN(Apply(path, Function.Sigmoid, float.NaN)));
        }
    }

    private enum Function
    {
        Exp2,
        Exp,
        Sigmoid,
        Softplus,
        SoftplusPair,
        SigmoidPair,
    }

    private static float Apply(KernelPath path, Function function, float value) => path switch
    {
        KernelPath.Vector512 => Apply<Simd512, Vector512<float>>(function, value),
        KernelPath.Vector256 => Apply<Simd256, Vector256<float>>(function, value),
        _ => Apply<SimdScalar, float>(function, value),
    };

    private static float Apply<TOps, TVec>(Function function, float value)
        where TOps : ISimd<TVec>
        where TVec : unmanaged
    {
        TVec x = TOps.Broadcast(value);
        TVec sigmoid = default;
        TVec y = function switch
        {
            Function.Exp2 => VectorMath<TOps, TVec>.Exp2(x),
            Function.Exp => VectorMath<TOps, TVec>.Exp(x),
            Function.Sigmoid => VectorMath<TOps, TVec>.Sigmoid(x),
            Function.Softplus => VectorMath<TOps, TVec>.Softplus(x),
            _ => VectorMath<TOps, TVec>.SoftplusAndSigmoid(x, out sigmoid),
        };
        return *(float*)(function == Function.SigmoidPair ? &sigmoid : &y);
    }
}
