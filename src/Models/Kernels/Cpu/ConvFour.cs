using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// The usual convolution, four taps over one uninterrupted stretch of steps, one register of channels at a time: inputs,
/// weights, gradients and their sums slide through registers, so every element is read once.
/// </summary>
internal static unsafe class ConvFour<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const int Taps = 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Forward(in CausalConvInputs<float> x, in CausalConvOutputs<float> o, float* weight, int batch, int start, int end, int d)
    {
        long channels = x.Channels;
        long xStep = x.Reverse ? -x.X.RowStride : x.X.RowStride;
        long outStep = x.Reverse ? -o.Out.RowStride : o.Out.RowStride;
        float* input = x.X.At(batch, x.Time(start)) + d;
        float* target = o.Out.At(batch, x.Time(start)) + d;
        TVec w0 = TOps.Load(weight + d);
        TVec w1 = TOps.Load(weight + channels + d);
        TVec w2 = TOps.Load(weight + (2 * channels) + d);
        TVec w3 = TOps.Load(weight + (3 * channels) + d);
        TVec bias = x.Bias == null ? TOps.Broadcast(0f) : TOps.Load(x.Bias + d);
        TVec x3 = Before(x, batch, start - 3, d);
        TVec x2 = Before(x, batch, start - 2, d);
        TVec x1 = Before(x, batch, start - 1, d);
        bool silu = x.Silu;
        for (int step = start; step < end; step++)
        {
            Ahead.Line(input + TOps.Width);
            TVec x0 = TOps.Load(input);
            TVec value = TOps.Fma(w3, x0, TOps.Fma(w2, x1, TOps.Fma(w1, x2, TOps.Fma(w0, x3, bias))));
            if (silu) value = TOps.Mul(value, VectorMath<TOps, TVec>.Sigmoid(value));
            TOps.Store(target, value);
            x3 = x2;
            x2 = x1;
            x1 = x0;
            input += xStep;
            target += outStep;
        }
    }

    /// <summary>
    /// Gradients of the inputs of [start, end) and, added to sums [taps + 1][channels], of weight and bias. Looks at the gradients
    /// of up to three steps after the stretch.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Backward(
        in CausalConvInputs<float> x, in CausalConvGradients<float> g, float* weight, float* sums, int batch, int start, int end, int d)
    {
        long channels = x.Channels;
        long xStep = x.Reverse ? -x.X.RowStride : x.X.RowStride;
        long doutStep = x.Reverse ? -g.DOut.RowStride : g.DOut.RowStride;
        long dxStep = x.Reverse ? -g.DX.RowStride : g.DX.RowStride;
        float* input = x.X.At(batch, x.Time(start)) + d;
        float* dout = g.DOut.At(batch, x.Time(start)) + d;
        float* dx = g.DX.IsPresent ? g.DX.At(batch, x.Time(start)) + d : null;
        bool add = g.AccumulateX;
        bool silu = x.Silu;
        TVec zero = TOps.Broadcast(0f);
        TVec one = TOps.Broadcast(1f);
        TVec w0 = TOps.Load(weight + d);
        TVec w1 = TOps.Load(weight + channels + d);
        TVec w2 = TOps.Load(weight + (2 * channels) + d);
        TVec w3 = TOps.Load(weight + (3 * channels) + d);
        TVec bias = x.Bias == null ? zero : TOps.Load(x.Bias + d);
        TVec x3 = Before(x, batch, start - 3, d);
        TVec x2 = Before(x, batch, start - 2, d);
        TVec x1 = Before(x, batch, start - 1, d);
        TVec g1 = zero, g2 = zero, g3 = zero;
        TVec s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero;
        int last = dx == null ? end : end + Taps - 1;
        for (int step = start; step < last; step++)
        {
            TVec g0 = zero;
            if (step < x.Length)
            {
                Ahead.Line(input + TOps.Width);
                Ahead.Line(dout + TOps.Width);
                TVec x0 = TOps.Load(input);
                g0 = TOps.Load(dout);
                if (silu)
                {
                    TVec value = TOps.Fma(w3, x0, TOps.Fma(w2, x1, TOps.Fma(w1, x2, TOps.Fma(w0, x3, bias))));
                    TVec sigmoid = VectorMath<TOps, TVec>.Sigmoid(value);
                    g0 = TOps.Mul(g0, TOps.Fma(TOps.Mul(value, sigmoid), TOps.Sub(one, sigmoid), sigmoid));
                }

                if (step < end)
                {
                    s0 = TOps.Fma(g0, x3, s0);
                    s1 = TOps.Fma(g0, x2, s1);
                    s2 = TOps.Fma(g0, x1, s2);
                    s3 = TOps.Fma(g0, x0, s3);
                    s4 = TOps.Add(g0, s4);
                }

                x3 = x2;
                x2 = x1;
                x1 = x0;
                input += xStep;
                dout += doutStep;
            }

            if (dx != null && step >= start + Taps - 1)
            {
                TVec value = TOps.Fma(w3, g3, TOps.Fma(w2, g2, TOps.Fma(w1, g1, TOps.Mul(w0, g0))));
                if (add) value = TOps.Add(value, TOps.Load(dx));
                TOps.Store(dx, value);
                dx += dxStep;
            }

            g3 = g2;
            g2 = g1;
            g1 = g0;
        }

        Sum(sums + d, s0);
        Sum(sums + channels + d, s1);
        Sum(sums + (2 * channels) + d, s2);
        Sum(sums + (3 * channels) + d, s3);
        Sum(sums + (4 * channels) + d, s4);
    }

    private static TVec Before(in CausalConvInputs<float> x, int batch, int step, int d)
    {
        float* input = x.Input(batch, step);
        return input == null ? TOps.Broadcast(0f) : TOps.Load(input + d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sum(float* target, TVec value) => TOps.Store(target, TOps.Add(TOps.Load(target), value));
}
