using System.Numerics;

namespace GenoSeq.Models.Kernels.Reference;

/// <summary>The causal convolution as plain loops.</summary>
internal static unsafe class CausalConvReference
{
    public static void Forward<T>(in CausalConvInputs<T> x, in CausalConvOutputs<T> o)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int b = 0; b < x.Batch; b++)
        {
            for (int step = 0; step < x.Length; step++)
            {
                int reach = x.Reach(b, step);
                for (int d = 0; d < x.Channels; d++)
                {
                    T value = Linear(x, b, step, d, reach);
                    o.Out.At(b, x.Time(step))[d] = x.Silu ? ReferenceMath<T>.Silu(value) : value;
                }
            }

            WriteFinalHalo(x, o.FinalHalo, b);
        }
    }

    public static void Backward<T>(in CausalConvInputs<T> x, in CausalConvGradients<T> g)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int history = x.Taps - 1;
        if (!g.AccumulateParameters)
        {
            if (g.DWeight != null) new Span<T>(g.DWeight, x.Channels * x.Taps).Clear();
            if (g.DBias != null) new Span<T>(g.DBias, x.Channels).Clear();
        }

        // Gradients of the halo and the steps of one channel, in scan order.
        var dx = new T[history + x.Length];
        for (int b = 0; b < x.Batch; b++)
        {
            for (int d = 0; d < x.Channels; d++)
            {
                Array.Clear(dx);
                if (g.DFinalHalo != null)
                {
                    int kept = x.Reach(b, x.Length);
                    for (int back = 0; back < kept; back++)
                        dx[history + x.Length - 1 - back] = g.DFinalHalo[((((long)b * history) + history - 1 - back) * x.Channels) + d];
                }

                for (int step = 0; step < x.Length; step++)
                {
                    int reach = x.Reach(b, step);
                    T grad = g.DOut.At(b, x.Time(step))[d];
                    if (x.Silu) grad *= ReferenceMath<T>.SiluSlope(Linear(x, b, step, d, reach));
                    if (g.DBias != null) g.DBias[d] += grad;
                    for (int back = 0; back <= reach; back++)
                    {
                        int tap = (d * x.Taps) + history - back;
                        T* input = x.Input(b, step - back);
                        if (g.DWeight != null && input != null) g.DWeight[tap] += grad * input[d];
                        dx[history + step - back] += grad * x.Weight[tap];
                    }
                }

                for (int step = 0; step < x.Length && g.DX.IsPresent; step++)
                {
                    T* target = g.DX.At(b, x.Time(step)) + d;
                    *target = g.AccumulateX ? *target + dx[history + step] : dx[history + step];
                }

                for (int i = 0; i < history && g.DInitialHalo != null; i++)
                    g.DInitialHalo[((((long)b * history) + i) * x.Channels) + d] = dx[i];
            }
        }
    }

    internal static void WriteFinalHalo<T>(in CausalConvInputs<T> x, T* halo, int b)
        where T : unmanaged
    {
        if (halo == null) return;
        int history = x.Taps - 1;
        int kept = x.Reach(b, x.Length);
        for (int back = 0; back < history; back++)
        {
            var target = new Span<T>(halo + ((((long)b * history) + history - 1 - back) * x.Channels), x.Channels);
            T* source = back < kept ? x.Input(b, x.Length - 1 - back) : null;
            if (source == null) target.Clear();
            else new ReadOnlySpan<T>(source, x.Channels).CopyTo(target);
        }
    }

    private static T Linear<T>(in CausalConvInputs<T> x, int b, int step, int d, int reach)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T sum = x.Bias == null ? T.Zero : x.Bias[d];
        for (int back = 0; back <= reach; back++)
        {
            T* input = x.Input(b, step - back);
            if (input != null) sum += x.Weight[(d * x.Taps) + x.Taps - 1 - back] * input[d];
        }

        return sum;
    }
}
