using GenoSeq.Models.Kernels.Cpu;

namespace GenoSeq.Models.Stepping;

/// <summary>
/// Products of a few rows with a matrix on a CPU. Four rows share a reading of the weights; each has two sums of its own, added in the same
/// order as where it is alone.
/// </summary>
/// <typeparam name="TOps">Vector operations.</typeparam>
/// <typeparam name="TVec">Their register.</typeparam>
internal static unsafe class HostProducts<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>Outputs [first, last) of all rows.</summary>
    internal static void Run(in StepLinear a, float* rows, int first, int last)
    {
        for (int j = first; j < last; j++)
        {
            float* w = (float*)a.Weight + ((long)j * a.Inputs);
            float bias = a.Bias == 0 ? 0 : ((float*)a.Bias)[j];
            float* to = (float*)a.Out + j;
            int row = 0;
            for (; row <= a.Rows - 4; row += 4)
            {
                Four(rows + ((long)row * a.Inputs), w, a.Inputs, to + ((long)row * a.Outputs), a.Outputs, bias);
            }

            for (; row < a.Rows; row++)
            {
                to[(long)row * a.Outputs] = One(rows + ((long)row * a.Inputs), w, a.Inputs) + bias;
            }
        }
    }

    /// <summary>Σ x w.</summary>
    internal static float One(float* x, float* w, int count)
    {
        TVec even = TOps.Broadcast(0);
        TVec odd = TOps.Broadcast(0);
        int k = 0;
        for (; k <= count - (2 * TOps.Width); k += 2 * TOps.Width)
        {
            even = TOps.Fma(TOps.Load(x + k), TOps.Load(w + k), even);
            odd = TOps.Fma(TOps.Load(x + k + TOps.Width), TOps.Load(w + k + TOps.Width), odd);
        }

        return Rest(x, w, k, count, TOps.Sum(TOps.Add(even, odd)));
    }

    private static void Four(float* x, float* w, int count, float* to, long stride, float bias)
    {
        float* x1 = x + count;
        float* x2 = x1 + count;
        float* x3 = x2 + count;
        TVec zero = TOps.Broadcast(0);
        (TVec even0, TVec even1, TVec even2, TVec even3) = (zero, zero, zero, zero);
        (TVec odd0, TVec odd1, TVec odd2, TVec odd3) = (zero, zero, zero, zero);
        int k = 0;
        for (; k <= count - (2 * TOps.Width); k += 2 * TOps.Width)
        {
            TVec v = TOps.Load(w + k);
            even0 = TOps.Fma(TOps.Load(x + k), v, even0);
            even1 = TOps.Fma(TOps.Load(x1 + k), v, even1);
            even2 = TOps.Fma(TOps.Load(x2 + k), v, even2);
            even3 = TOps.Fma(TOps.Load(x3 + k), v, even3);
            int next = k + TOps.Width;
            v = TOps.Load(w + next);
            odd0 = TOps.Fma(TOps.Load(x + next), v, odd0);
            odd1 = TOps.Fma(TOps.Load(x1 + next), v, odd1);
            odd2 = TOps.Fma(TOps.Load(x2 + next), v, odd2);
            odd3 = TOps.Fma(TOps.Load(x3 + next), v, odd3);
        }

        to[0] = Rest(x, w, k, count, TOps.Sum(TOps.Add(even0, odd0))) + bias;
        to[stride] = Rest(x1, w, k, count, TOps.Sum(TOps.Add(even1, odd1))) + bias;
        to[2 * stride] = Rest(x2, w, k, count, TOps.Sum(TOps.Add(even2, odd2))) + bias;
        to[3 * stride] = Rest(x3, w, k, count, TOps.Sum(TOps.Add(even3, odd3))) + bias;
    }

    private static float Rest(float* x, float* w, int k, int count, float sum)
    {
        for (; k < count; k++)
        {
            sum += x[k] * w[k];
        }

        return sum;
    }
}

/// <summary>Functions of many numbers.</summary>
/// <typeparam name="TOps">Vector operations.</typeparam>
/// <typeparam name="TVec">Their register.</typeparam>
internal static unsafe class HostFunctions<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>v silu(factor), in place; without a factor silu(v).</summary>
    internal static void Silu(float* v, float* factor, int count)
    {
        int k = 0;
        for (; k <= count - TOps.Width; k += TOps.Width)
        {
            TVec x = TOps.Load((factor == null ? v : factor) + k);
            TVec s = TOps.Mul(x, VectorMath<TOps, TVec>.Sigmoid(x));
            TOps.Store(v + k, factor == null ? s : TOps.Mul(s, TOps.Load(v + k)));
        }

        if (k < count)
        {
            HostFunctions<SimdScalar, float>.Silu(v + k, factor == null ? null : factor + k, count - k);
        }
    }

    /// <summary>log(1 + e^v), in place.</summary>
    internal static void Softplus(float* v, int count)
    {
        int k = 0;
        for (; k <= count - TOps.Width; k += TOps.Width)
        {
            TOps.Store(v + k, VectorMath<TOps, TVec>.Softplus(TOps.Load(v + k)));
        }

        if (k < count)
        {
            HostFunctions<SimdScalar, float>.Softplus(v + k, count - k);
        }
    }
}
