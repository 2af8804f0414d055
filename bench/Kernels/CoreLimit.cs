using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cpu;

namespace GenoSeq.Benchmarks.Kernels;

/// <summary>
/// What all cores together can do from registers alone, measured: fused multiply-adds, and the scan's inner step (one exp2 and
/// three fused multiply-adds per channel-state). No kernel can be faster; memory, softplus, gate and packing come on top.
/// </summary>
internal static class CoreLimit
{
    private const int Rounds = 2_000_000;
    private const int Chains = 8;

    /// <summary>Lanes done by one call of <see cref="ScanSteps"/> or <see cref="FusedMultiplyAdds"/> on all threads.</summary>
    public static double LanesPerCall => (double)Rounds * Chains * KernelThreads.Count * (KernelDispatch.Current switch
    {
        KernelPath.Vector512 => Simd512.Width,
        KernelPath.Vector256 => Simd256.Width,
        _ => 1,
    });

    /// <summary>The scan's inner step, <see cref="LanesPerCall"/> channel-states.</summary>
    public static void ScanSteps() => Dispatch(fma: false);

    /// <summary><see cref="LanesPerCall"/> fused multiply-adds.</summary>
    public static void FusedMultiplyAdds() => Dispatch(fma: true);

    private static void Dispatch(bool fma)
    {
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                RunAll<Simd512, Vector512<float>>(fma);
                break;
            case KernelPath.Vector256:
                RunAll<Simd256, Vector256<float>>(fma);
                break;
            default:
                RunAll<SimdScalar, float>(fma);
                break;
        }
    }

    private static void RunAll<TOps, TVec>(bool fma)
        where TOps : ISimd<TVec>
        where TVec : unmanaged
    {
        float sink = 0;
        KernelThreads.For(KernelThreads.Count, _ => sink += fma ? Fma<TOps, TVec>(0.999f) : Step<TOps, TVec>(0.37f));
        GC.KeepAlive(sink);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Fma<TOps, TVec>(float factor)
        where TOps : ISimd<TVec>
        where TVec : unmanaged
    {
        TVec a = TOps.Broadcast(factor);
        TVec b = TOps.Broadcast(1e-3f);
        TVec s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b;
        for (int i = 0; i < Rounds; i++)
        {
            s0 = TOps.Fma(s0, a, b);
            s1 = TOps.Fma(s1, a, b);
            s2 = TOps.Fma(s2, a, b);
            s3 = TOps.Fma(s3, a, b);
            s4 = TOps.Fma(s4, a, b);
            s5 = TOps.Fma(s5, a, b);
            s6 = TOps.Fma(s6, a, b);
            s7 = TOps.Fma(s7, a, b);
        }

        return TOps.Sum(TOps.Add(TOps.Add(TOps.Add(s0, s1), TOps.Add(s2, s3)), TOps.Add(TOps.Add(s4, s5), TOps.Add(s6, s7))));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Step<TOps, TVec>(float size)
        where TOps : ISimd<TVec>
        where TVec : unmanaged
    {
        TVec step = TOps.Broadcast(size);
        TVec shrink = TOps.Broadcast(0.9999f);
        TVec nudge = TOps.Broadcast(5e-5f);
        TVec a0 = TOps.Broadcast(-0.3f), a1 = TOps.Broadcast(-0.7f), a2 = TOps.Broadcast(-1.3f), a3 = TOps.Broadcast(-2.9f);
        TVec h0 = step, h1 = step, h2 = step, h3 = step, y0 = step, y1 = step;
        for (int i = 0; i < 2 * Rounds; i++)
        {
            h0 = TOps.Fma(VectorMath<TOps, TVec>.Exp2(TOps.Mul(step, a0)), h0, TOps.Mul(step, a1));
            h1 = TOps.Fma(VectorMath<TOps, TVec>.Exp2(TOps.Mul(step, a1)), h1, TOps.Mul(step, a2));
            h2 = TOps.Fma(VectorMath<TOps, TVec>.Exp2(TOps.Mul(step, a2)), h2, TOps.Mul(step, a3));
            h3 = TOps.Fma(VectorMath<TOps, TVec>.Exp2(TOps.Mul(step, a3)), h3, TOps.Mul(step, a0));
            y0 = TOps.Fma(h0, a0, y0);
            y1 = TOps.Fma(h1, a1, y1);
            y0 = TOps.Fma(h2, a2, y0);
            y1 = TOps.Fma(h3, a3, y1);
            // Keeps the compiler from hoisting the powers, and the values away from denormals.
            step = TOps.Fma(step, shrink, nudge);
        }

        return TOps.Sum(TOps.Add(TOps.Add(TOps.Add(h0, h1), TOps.Add(h2, h3)), TOps.Add(y0, y1)));
    }
}
