using System.Buffers;
using GenoSeq.Models.Kernels.Cpu;

namespace GenoSeq.Models.Stepping;

/// <summary>Attention of one query over its cache on a CPU.</summary>
/// <typeparam name="TOps">Vector operations.</typeparam>
/// <typeparam name="TVec">Their register.</typeparam>
internal static unsafe class HostStepAttention<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>The query heads of one row that share a key head.</summary>
    internal static void Group(in StepAttend a, int row, int kv)
    {
        long position = ((long*)a.Positions)[row];
        int slot = (int)(position % a.Capacity);
        int held = (int)Math.Min(position + 1, a.Capacity);
        float* mine = (float*)a.Qkv + ((long)row * (a.Heads + (2 * a.KvHeads)) * a.Head);
        float* keys = (float*)a.Keys + ((((long)row * a.KvHeads) + kv) * a.Capacity * a.Head);
        float* values = (float*)a.Values + ((((long)row * a.KvHeads) + kv) * a.Capacity * a.Head);
        Rotate(a, mine + ((long)(a.Heads + kv) * a.Head), keys + ((long)slot * a.Head), position);
        new ReadOnlySpan<float>(mine + ((long)(a.Heads + a.KvHeads + kv) * a.Head), a.Head).CopyTo(new Span<float>(values + ((long)slot * a.Head), a.Head));
        float[] scores = ArrayPool<float>.Shared.Rent(held);
        float* q = stackalloc float[a.Head];
        int group = a.Heads / a.KvHeads;
        for (int head = kv * group; head < (kv + 1) * group; head++)
        {
            Rotate(a, mine + ((long)head * a.Head), q, position);
            float* y = (float*)a.Out + ((((long)row * a.Heads) + head) * a.Head);
            float most = float.NegativeInfinity;
            float scale = 1 / MathF.Sqrt(a.Head);
            for (int t = 0; t < held; t++)
            {
                scores[t] = scale * HostProducts<TOps, TVec>.One(q, keys + ((long)t * a.Head), a.Head);
                most = MathF.Max(most, scores[t]);
            }

            new Span<float>(y, a.Head).Clear();
            float weight = 0;
            for (int t = 0; t < held; t++)
            {
                float p = MathF.Exp(scores[t] - most);
                weight += p;
                float* v = values + ((long)t * a.Head);
                int e = 0;
                for (; e <= a.Head - TOps.Width; e += TOps.Width)
                {
                    TOps.Store(y + e, TOps.Fma(TOps.Broadcast(p), TOps.Load(v + e), TOps.Load(y + e)));
                }

                for (; e < a.Head; e++)
                {
                    y[e] += p * v[e];
                }
            }

            for (int e = 0; e < a.Head; e++)
            {
                y[e] /= weight;
            }
        }

        ArrayPool<float>.Shared.Return(scores);
    }

    // Rotary positions (Su et al. 2021); angles in double precision, as the mixer has them.
    private static void Rotate(in StepAttend a, float* from, float* to, long position)
    {
        int half = a.Head / 2;
        for (int i = 0; i < a.Head && a.Theta == 0; i++)
        {
            to[i] = from[i];
        }

        for (int i = 0; i < half && a.Theta != 0; i++)
        {
            double angle = position / a.Scale * Math.Exp(-Math.Log(a.Theta) * (2.0 * i / a.Head));
            (float sin, float cos) = ((float)Math.Sin(angle), (float)Math.Cos(angle));
            (to[i], to[i + half]) = ((from[i] * cos) - (from[i + half] * sin), (from[i + half] * cos) + (from[i] * sin));
        }
    }
}
