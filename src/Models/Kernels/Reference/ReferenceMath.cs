using System.Numerics;

namespace GenoSeq.Models.Kernels.Reference;

/// <summary>Scalar functions of the reference twins, in the precision of <typeparamref name="T"/>.</summary>
internal static class ReferenceMath<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Sigmoid(T v) => T.One / (T.One + T.Exp(-v));

    public static T Silu(T v) => v * Sigmoid(v);

    /// <summary>d silu(v) / dv.</summary>
    public static T SiluSlope(T v)
    {
        T s = Sigmoid(v);
        return s * (T.One + (v * (T.One - s)));
    }

    public static T Softplus(T v) => v > T.CreateChecked(20) ? v : Log1p(T.Exp(v));

    public static T SoftplusSlope(T v) => v > T.CreateChecked(20) ? T.One : Sigmoid(v);

    // log(u) x / (u - 1) with u = 1 + x cancels u's rounding error (Higham, "Accuracy and Stability", 1.14.1);
    // the framework's LogP1 is log(1 + x) and loses small x.
    private static T Log1p(T x)
    {
        T u = T.One + x;
        return u == T.One ? x : T.Log(u) * x / (u - T.One);
    }
}
