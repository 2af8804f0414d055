using System.Numerics;

namespace GenoSeq.Models.Kernels.Reference;

/// <summary>Rotary positions as plain loops, halves rotated.</summary>
internal static class RopeReference
{
    /// <summary>Rotates x [batch, length, heads, 2 half], contiguous, in place; angles [length, half].</summary>
    public static void Rotate<T>(Span<T> x, int length, int heads, int half, ReadOnlySpan<T> cosine, ReadOnlySpan<T> sine, bool inverse)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int vector = 0; vector < x.Length / (2 * half); vector++)
        {
            int t = vector / heads % length;
            Span<T> low = x.Slice(vector * 2 * half, half);
            Span<T> high = x.Slice((vector * 2 * half) + half, half);
            for (int i = 0; i < half; i++)
            {
                T c = cosine[(t * half) + i];
                T s = inverse ? -sine[(t * half) + i] : sine[(t * half) + i];
                (low[i], high[i]) = ((low[i] * c) - (high[i] * s), (high[i] * c) + (low[i] * s));
            }
        }
    }
}
