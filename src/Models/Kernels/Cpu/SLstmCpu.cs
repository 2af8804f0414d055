using System.Runtime.CompilerServices;
using GenoSeq.Models.Stepping;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// The recurrence of xLSTM's scalar memory on a CPU (see <see cref="Mixers.Engines.SequentialLstm"/>): a head of a batch entry is a work item
/// that goes from position to position, so results do not depend on the number of threads.
/// </summary>
/// <typeparam name="TOps">Vector operations.</typeparam>
/// <typeparam name="TVec">Their register.</typeparam>
internal static unsafe class SLstmCpu<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    // The log of a stabiliser before the first position: what is there decays to nothing.
    private const float Nothing = -1e30f;

    /// <summary>Forward pass of one head of one batch entry.</summary>
    internal static void Forward(in SLstmArguments a, int item)
    {
        int d = a.Width, batch = item / a.Heads, head = item % a.Heads;
        float* r = a.R + ((long)head * d * 4 * d);
        long state = ((long)item) * d;
        float* h = a.H0 + state, c = a.C0 + state, n = a.N0 + state, m = a.M0 + state;
        float* none = stackalloc float[2 * d];
        new Span<float>(none, d).Clear();
        new Span<float>(none + d, d).Fill(Nothing);
        for (long t = (long)batch * a.Length; t < ((long)batch + 1) * a.Length; t++)
        {
            long at = (t * a.Heads) + head;
            float* pre = a.Pre + (at * 4 * d);
            if (a.Keep != null && a.Keep[t] == 0)
            {
                c = n = none;
                m = none + d;
            }
            else
            {
                AddProduct(pre, h, r, d);
            }

            float* nextH = a.H + (at * d), nextC = a.C + (at * d), nextN = a.N + (at * d), nextM = a.M + (at * d);
            int k = 0;
            for (; k <= d - TOps.Width; k += TOps.Width) Step(pre + k, d, c + k, n + k, m + k, nextH + k, nextC + k, nextN + k, nextM + k);
            for (; k < d; k++) SLstmCpu<SimdScalar, float>.Step(pre + k, d, c + k, n + k, m + k, nextH + k, nextC + k, nextN + k, nextM + k);
            h = nextH;
            c = nextC;
            n = nextN;
            m = nextM;
        }
    }

    /// <summary>Backward pass of one head of one batch entry: what is added to Pre gets its gradient, R's is a product of the result with H.</summary>
    internal static void Backward(in SLstmArguments a, int item)
    {
        int d = a.Width, batch = item / a.Heads, head = item % a.Heads;
        float* r = a.R + ((long)head * d * 4 * d);
        float* carried = stackalloc float[5 * d];
        new Span<float>(carried, 4 * d).Clear();
        new Span<float>(carried + (4 * d), d).Fill(Nothing);
        float* dh = carried, dc = carried + d, dn = carried + (2 * d), none = carried + (3 * d), low = carried + (4 * d);
        long begin = (long)batch * a.Length;
        for (long t = begin + a.Length - 1; t >= begin; t--)
        {
            long at = ((t * a.Heads) + head) * d, before = at - ((long)a.Heads * d), first = (long)item * d;
            bool reset = a.Keep != null && a.Keep[t] == 0;
            float* c = reset ? none : t == begin ? a.C0 + first : a.C + before;
            float* n = reset ? none : t == begin ? a.N0 + first : a.N + before;
            float* m = reset ? low : t == begin ? a.M0 + first : a.M + before;
            for (int j = 0; j < d; j++) dh[j] += a.DH[at + j];
            int k = 0;
            for (; k <= d - TOps.Width; k += TOps.Width) Back(a, at, k, c, n, m, dh, dc, dn);
            for (; k < d; k++) SLstmCpu<SimdScalar, float>.Back(a, at, k, c, n, m, dh, dc, dn);
            for (int j = 0; j < d; j++) dh[j] = reset ? 0 : HostProducts<TOps, TVec>.One(a.DPre + (4 * at), r + ((long)j * 4 * d), 4 * d);
        }
    }

    // pre [4 d] += h [d] r [d, 4 d].
    private static void AddProduct(float* pre, float* h, float* r, int d)
    {
        int width = 4 * d, k = 0;
        for (; k <= width - (4 * TOps.Width); k += 4 * TOps.Width)
        {
            float* p0 = pre + k, p1 = pre + k + TOps.Width, p2 = pre + k + (2 * TOps.Width), p3 = pre + k + (3 * TOps.Width);
            (TVec s0, TVec s1, TVec s2, TVec s3) = (TOps.Load(p0), TOps.Load(p1), TOps.Load(p2), TOps.Load(p3));
            float* row = r + k;
            for (int j = 0; j < d; j++, row += width)
            {
                TVec x = TOps.Broadcast(h[j]);
                s0 = TOps.Fma(x, TOps.Load(row), s0);
                s1 = TOps.Fma(x, TOps.Load(row + TOps.Width), s1);
                s2 = TOps.Fma(x, TOps.Load(row + (2 * TOps.Width)), s2);
                s3 = TOps.Fma(x, TOps.Load(row + (3 * TOps.Width)), s3);
            }

            TOps.Store(p0, s0);
            TOps.Store(p1, s1);
            TOps.Store(p2, s2);
            TOps.Store(p3, s3);
        }

        for (; k < width; k++)
        {
            float sum = pre[k];
            for (int j = 0; j < d; j++) sum = MathF.FusedMultiplyAdd(h[j], r[((long)j * width) + k], sum);
            pre[k] = sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Step(float* pre, int d, float* c, float* n, float* m, float* nextH, float* nextC, float* nextN, float* nextM)
    {
        TVec keep = TOps.Add(LogSigmoid(TOps.Load(pre + (2 * d))), TOps.Load(m));
        TVec input = TOps.Load(pre + d);
        TVec top = TOps.Max(keep, input);
        TVec i = VectorMath<TOps, TVec>.Exp(TOps.Sub(input, top));
        TVec f = VectorMath<TOps, TVec>.Exp(TOps.Sub(keep, top));
        TVec cell = TOps.Fma(f, TOps.Load(c), TOps.Mul(i, Tanh(TOps.Load(pre))));
        TVec norm = TOps.Fma(f, TOps.Load(n), i);
        TOps.Store(nextM, top);
        TOps.Store(nextC, cell);
        TOps.Store(nextN, norm);
        TOps.Store(nextH, TOps.Div(TOps.Mul(VectorMath<TOps, TVec>.Sigmoid(TOps.Load(pre + (3 * d))), cell), norm));
    }

    // m is a constant: it divides c and n alike, so h has no slope in it. dc and dn are of the states behind the position, then before it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Back(in SLstmArguments a, long at, int k, float* c, float* n, float* m, float* dh, float* dc, float* dn)
    {
        int d = a.Width;
        float* pre = a.Pre + (4 * at) + k;
        float* dPre = a.DPre + (4 * at) + k;
        TVec one = TOps.Broadcast(1);
        TVec forget = TOps.Load(pre + (2 * d)), top = TOps.Load(a.M + at + k);
        TVec i = VectorMath<TOps, TVec>.Exp(TOps.Sub(TOps.Load(pre + d), top));
        TVec f = VectorMath<TOps, TVec>.Exp(TOps.Sub(TOps.Add(LogSigmoid(forget), TOps.Load(m + k)), top));
        TVec z = Tanh(TOps.Load(pre)), o = VectorMath<TOps, TVec>.Sigmoid(TOps.Load(pre + (3 * d)));
        TVec norm = TOps.Load(a.N + at + k);
        TVec ratio = TOps.Div(TOps.Load(a.C + at + k), norm);
        TVec slope = TOps.Load(dh + k);
        TVec shared = TOps.Div(TOps.Mul(slope, o), norm);
        TVec cell = TOps.Add(TOps.Load(dc + k), shared);
        TVec weight = TOps.Fnma(shared, ratio, TOps.Load(dn + k));
        TVec df = TOps.Fma(cell, TOps.Load(c + k), TOps.Mul(weight, TOps.Load(n + k)));
        TVec di = TOps.Fma(cell, z, weight);
        TOps.Store(dPre, TOps.Mul(TOps.Mul(cell, i), TOps.Fnma(z, z, one)));
        TOps.Store(dPre + d, TOps.Mul(di, i));
        TOps.Store(dPre + (2 * d), TOps.Mul(TOps.Mul(df, f), VectorMath<TOps, TVec>.Sigmoid(TOps.Sub(TOps.Broadcast(0), forget))));
        TOps.Store(dPre + (3 * d), TOps.Mul(TOps.Mul(slope, ratio), TOps.Mul(o, TOps.Sub(one, o))));
        TOps.Store(dc + k, TOps.Mul(cell, f));
        TOps.Store(dn + k, TOps.Mul(weight, f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVec LogSigmoid(TVec x)
    {
        TVec zero = TOps.Broadcast(0);
        return TOps.Sub(zero, VectorMath<TOps, TVec>.Softplus(TOps.Sub(zero, x)));
    }

    // 2 sigmoid(2 x) - 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVec Tanh(TVec x)
    {
        TVec s = VectorMath<TOps, TVec>.Sigmoid(TOps.Add(x, x));
        return TOps.Sub(TOps.Add(s, s), TOps.Broadcast(1));
    }
}
