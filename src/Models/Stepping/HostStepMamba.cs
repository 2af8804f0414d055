using System.Buffers;
using GenoSeq.Models.Kernels.Cpu;

namespace GenoSeq.Models.Stepping;

/// <summary>One position of Mamba between its projections on a CPU: convolution, projections, one step of the scan, gate.</summary>
/// <typeparam name="TOps">Vector operations whose width divides the number of states.</typeparam>
/// <typeparam name="TVec">Their register.</typeparam>
internal static unsafe class HostStepMamba<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const int OnStack = 4096;

    internal static void Row(in StepMamba a, int row)
    {
        int width = a.Rank + (2 * a.States);
        int needed = (2 * a.Channels) + width;
        float[]? rented = needed > OnStack ? ArrayPool<float>.Shared.Rent(needed) : null;
        Span<float> buffer = rented is null ? stackalloc float[OnStack] : rented;
        fixed (float* u = buffer)
        {
            float* xz = (float*)a.Xz + ((long)row * 2 * a.Channels);
            Convolve(a, row, xz, u);
            float* delta = u + a.Channels;
            float* projected = delta + a.Channels;
            for (int j = 0; j < width; j++)
            {
                projected[j] = HostProducts<TOps, TVec>.One(u, (float*)a.XProj + ((long)j * a.Channels), a.Channels);
            }

            if (a.NormEps > 0)
            {
                Norm(projected, a.Rank, (float*)a.NormDt, a.NormEps);
                Norm(projected + a.Rank, a.States, (float*)a.NormB, a.NormEps);
                Norm(projected + a.Rank + a.States, a.States, (float*)a.NormC, a.NormEps);
            }

            for (int c = 0; c < a.Channels; c++)
            {
                delta[c] = ((float*)a.DtBias)[c] + HostProducts<TOps, TVec>.One(projected, (float*)a.DtProj + ((long)c * a.Rank), a.Rank);
            }

            HostFunctions<TOps, TVec>.Softplus(delta, a.Channels);
            Scan(a, row, u, delta, projected);
            float* y = (float*)a.Out + ((long)row * a.Channels);
            HostFunctions<TOps, TVec>.Silu(y, xz + a.Channels, a.Channels);
        }

        if (rented is not null)
        {
            ArrayPool<float>.Shared.Return(rented);
        }
    }

    private static void Norm(float* part, int count, float* weight, float eps)
    {
        float sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum += part[i] * part[i];
        }

        float factor = 1 / MathF.Sqrt((sum / count) + eps);
        for (int i = 0; i < count; i++)
        {
            part[i] *= weight is null ? factor : factor * weight[i];
        }
    }

    private static void Convolve(in StepMamba a, int row, float* xz, float* u)
    {
        int kept = a.Taps - 1;
        float* halo = (float*)a.Halo + ((long)row * kept * a.Channels);
        for (int c = 0; c < a.Channels; c++)
        {
            float* w = (float*)a.Conv + ((long)c * a.Taps);
            float v = a.ConvBias == 0 ? 0 : ((float*)a.ConvBias)[c];
            for (int t = 0; t < kept; t++)
            {
                float old = halo[((long)t * a.Channels) + c];
                v += w[t] * old;
                if (t > 0)
                {
                    halo[((long)(t - 1) * a.Channels) + c] = old;
                }
            }

            if (kept > 0)
            {
                halo[((long)(kept - 1) * a.Channels) + c] = xz[c];
            }

            u[c] = v + (w[kept] * xz[c]);
        }

        HostFunctions<TOps, TVec>.Silu(u, null, a.Channels);
    }

    private static void Scan(in StepMamba a, int row, float* u, float* delta, float* projected)
    {
        float* b = projected + a.Rank;
        float* cc = b + a.States;
        for (int c = 0; c < a.Channels; c++)
        {
            float* h = (float*)a.State + ((((long)row * a.Channels) + c) * a.States);
            float* decay = (float*)a.A + ((long)c * a.States);
            TVec step = TOps.Broadcast(delta[c]);
            TVec du = TOps.Broadcast(delta[c] * u[c]);
            TVec sum = TOps.Broadcast(0);
            for (int n = 0; n < a.States; n += TOps.Width)
            {
                TVec gone = VectorMath<TOps, TVec>.Exp(TOps.Mul(step, TOps.Load(decay + n)));
                TVec v = TOps.Fma(gone, TOps.Load(h + n), TOps.Mul(du, TOps.Load(b + n)));
                TOps.Store(h + n, v);
                sum = TOps.Fma(v, TOps.Load(cc + n), sum);
            }

            ((float*)a.Out)[((long)row * a.Channels) + c] = TOps.Sum(sum) + (((float*)a.Skip)[c] * u[c]);
        }
    }
}
