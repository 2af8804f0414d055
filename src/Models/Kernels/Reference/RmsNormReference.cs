using System.Numerics;

namespace GenoSeq.Models.Kernels.Reference;

/// <summary>RMSNorm with residual as plain loops.</summary>
internal static unsafe class RmsNormReference
{
    public static void Forward<T>(in RmsNormInputs<T> x, in RmsNormOutputs<T> o)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var sum = new T[x.Channels];
        for (int b = 0; b < x.Batch; b++)
        {
            for (int t = 0; t < x.Length; t++)
            {
                T squares = T.Zero;
                for (int d = 0; d < x.Channels; d++)
                {
                    sum[d] = x.X.At(b, t)[d] + (x.Residual.IsPresent ? x.Residual.At(b, t)[d] : T.Zero);
                    squares += sum[d] * sum[d];
                }

                T rstd = T.One / T.Sqrt((squares / T.CreateChecked(x.Channels)) + x.Epsilon);
                if (o.Rstd != null) o.Rstd[((long)b * x.Length) + t] = rstd;
                for (int d = 0; d < x.Channels; d++)
                {
                    if (o.ResidualSum.IsPresent) o.ResidualSum.At(b, t)[d] = sum[d];
                    o.Y.At(b, t)[d] = sum[d] * rstd * x.Weight[d];
                }
            }
        }
    }

    public static void Backward<T>(in RmsNormGradients<T> g)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (g.DWeight != null && !g.AccumulateWeight) new Span<T>(g.DWeight, g.Channels).Clear();
        for (int b = 0; b < g.Batch; b++)
        {
            for (int t = 0; t < g.Length; t++)
            {
                T rstd = g.Rstd[((long)b * g.Length) + t];
                T* r = g.ResidualSum.At(b, t);
                T* dy = g.DY.At(b, t);
                T dot = T.Zero;
                for (int d = 0; d < g.Channels; d++) dot += dy[d] * g.Weight[d] * r[d];
                T pull = dot * rstd * rstd * rstd / T.CreateChecked(g.Channels);
                for (int d = 0; d < g.Channels; d++)
                {
                    if (g.DWeight != null) g.DWeight[d] += dy[d] * r[d] * rstd;
                    T incoming = g.DResidualSum.IsPresent ? g.DResidualSum.At(b, t)[d] : T.Zero;
                    g.DX.At(b, t)[d] = (rstd * dy[d] * g.Weight[d]) - (r[d] * pull) + incoming;
                }
            }
        }
    }
}
