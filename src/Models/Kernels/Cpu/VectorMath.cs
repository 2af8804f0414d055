using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// Elementary functions on whole registers. Polynomials were fitted for least maximal relative error: 2^f on [-1/2, 1/2] with
/// the constant 1 and slope ln 2 held exact (error 1.1e-7), atanh(s)/s on s^2 in [0, 1/9] (error 4.5e-9).
/// </summary>
internal static unsafe class VectorMath<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const float Log2E = 1.4426950408889634f;
    private const float Log2ELow = 1.92596299e-8f;
    private const float Ln2 = 0.6931471805599453f;

    /// <summary>2^x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Exp2(TVec x)
    {
        TVec n = TOps.Round(x);
        return TOps.Scale(Exp2Fraction(TOps.Fraction(x, n)), n, x);
    }

    /// <summary>e^v, accurate for large |v| too: the product v log2(e) is carried in two parts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Exp(TVec v)
    {
        // Keeps infinities out of the two-part product; beyond these ends the result is 0 or infinity anyway.
        v = TOps.Max(TOps.Broadcast(-120f), TOps.Min(TOps.Broadcast(120f), v));
        TVec x = TOps.Mul(v, TOps.Broadcast(Log2E));
        TVec n = TOps.Round(x);
        TVec f = TOps.Fma(v, TOps.Broadcast(Log2E), TOps.Sub(TOps.Broadcast(0f), n));
        f = TOps.Fma(v, TOps.Broadcast(Log2ELow), f);
        return TOps.Scale(Exp2Fraction(f), n, x);
    }

    /// <summary>1 / (1 + e^-v).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Sigmoid(TVec v)
    {
        TVec one = TOps.Broadcast(1f);
        return TOps.Div(one, TOps.Add(one, Exp(TOps.Sub(TOps.Broadcast(0f), v))));
    }

    /// <summary>log(1 + e^v) without overflow and with full relative accuracy for very negative v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Softplus(TVec v)
    {
        TVec e = Exp(TOps.Sub(TOps.Broadcast(0f), TOps.Abs(v)));
        TVec s = TOps.Div(e, TOps.Add(TOps.Broadcast(2f), e));
        return TOps.Add(TOps.Max(TOps.Broadcast(0f), v), Log1pFromRatio(s));
    }

    /// <summary>Softplus and its derivative, the sigmoid, for one exponential and one division.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec SoftplusAndSigmoid(TVec v, out TVec sigmoid)
    {
        TVec one = TOps.Broadcast(1f);
        TVec e = Exp(TOps.Sub(TOps.Broadcast(0f), TOps.Abs(v)));
        TVec onePlus = TOps.Add(one, e);
        TVec twoPlus = TOps.Add(TOps.Broadcast(2f), e);
        TVec inverse = TOps.Div(one, TOps.Mul(onePlus, twoPlus));
        TVec high = TOps.Mul(inverse, twoPlus);
        sigmoid = TOps.SelectNegative(v, TOps.Mul(e, high), high);
        TVec s = TOps.Mul(TOps.Mul(e, onePlus), inverse);
        return TOps.Add(TOps.Max(TOps.Broadcast(0f), v), Log1pFromRatio(s));
    }

    // 2^f for |f| <= 1/2.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVec Exp2Fraction(TVec f)
    {
        TVec p = TOps.Fma(f, TOps.Broadcast(0.0013300266405995142f), TOps.Broadcast(0.009669709498319363f));
        p = TOps.Fma(f, p, TOps.Broadcast(0.05550559995236116f));
        p = TOps.Fma(f, p, TOps.Broadcast(0.24022281592073272f));
        p = TOps.Fma(f, p, TOps.Broadcast(Ln2));
        return TOps.Fma(f, p, TOps.Broadcast(1f));
    }

    // log(1 + e) = 2 atanh(s) with s = e / (2 + e), s in [0, 1/3].
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVec Log1pFromRatio(TVec s)
    {
        TVec w = TOps.Mul(s, s);
        TVec p = TOps.Fma(w, TOps.Broadcast(0.14005993358382504f), TOps.Broadcast(0.14000902650957148f));
        p = TOps.Fma(w, p, TOps.Broadcast(0.20010763618298466f));
        p = TOps.Fma(w, p, TOps.Broadcast(0.33333208142864595f));
        TVec twice = TOps.Add(s, s);
        return TOps.Fma(TOps.Mul(twice, w), p, twice);
    }
}
