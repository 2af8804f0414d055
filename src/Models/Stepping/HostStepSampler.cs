using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Stepping;

/// <summary>Choice of an id by its logit on a CPU: temperature, then the most likely ones by number, then by mass.</summary>
internal static unsafe class HostStepSampler
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57, Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The id; -1 where the logits are no numbers.</summary>
    [SkipLocalsInit]
    internal static int Choose(in StepSample a, int row)
    {
        Span<float> sorted = stackalloc float[a.Count];
        Span<int> order = stackalloc int[a.Count];
        float* logits = (float*)a.Logits + ((long)row * a.Vocab);
        for (int i = 0; i < a.Count; i++)
        {
            float v = logits[((int*)a.Choices)[i]];
            if (float.IsNaN(v))
            {
                return -1;
            }

            // Behind what is larger, and behind equal ones that came before.
            int at = i;
            for (; at > 0 && sorted[at - 1] < v; at--)
            {
                (sorted[at], order[at]) = (sorted[at - 1], order[at - 1]);
            }

            (sorted[at], order[at]) = (v, i);
        }

        int most = a.TopK > 0 ? Math.Min(a.TopK, a.Count) : a.Count;
        double total = 0;
        for (int r = 0; r < most; r++)
        {
            total += Weight(sorted[r], sorted[0], a.Inverse);
        }

        double kept = 0;
        int last = 0;
        while (last < most)
        {
            kept += Weight(sorted[last++], sorted[0], a.Inverse);
            if (kept >= a.TopP * total)
            {
                break;
            }
        }

        double target = a.Inverse == 0 ? -1 : Uniform(a.Key, (ulong)((long*)a.Streams)[row], (ulong)((long*)a.Drawn)[row]) * kept;
        double reached = 0;
        int chosen = 0;
        for (; chosen < last - 1; chosen++)
        {
            reached += Weight(sorted[chosen], sorted[0], a.Inverse);
            if (reached > target)
            {
                break;
            }
        }

        return ((int*)a.Choices)[order[chosen]];
    }

    /// <summary>Pair <paramref name="pair"/> of a stream's words as a number in [0, 1): Philox4x32-10 (Salmon et al., SC 2011).</summary>
    internal static double Uniform(ulong key, ulong index, ulong pair)
    {
        ulong block = pair >> 1;
        (uint c0, uint c1, uint c2, uint c3) = ((uint)block, (uint)(block >> 32), (uint)index, (uint)(index >> 32));
        (uint k0, uint k1) = ((uint)key, (uint)(key >> 32));
        for (int i = 0; i < Rounds; i++)
        {
            ulong a = (ulong)Multiplier0 * c0;
            ulong b = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(b >> 32) ^ c1 ^ k0, (uint)b, (uint)(a >> 32) ^ c3 ^ k1, (uint)a);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        ulong word = (pair & 1) == 0 ? ((ulong)c0 << 32) | c1 : ((ulong)c2 << 32) | c3;
        return (word >> 11) * (1.0 / (1UL << 53));
    }

    private static double Weight(float logit, float largest, double inverse) => Math.Exp(((double)logit - largest) * inverse);
}
