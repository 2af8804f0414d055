using System.Numerics;

namespace GenoSeq.Models.Kernels.Reference;

/// <summary>The embedding of one strand or both as plain loops; rows are contiguous.</summary>
internal static class EmbeddingReference
{
    /// <summary>out [strands * batch, length, width] from ids [batch, length] and weight [vocab, width].</summary>
    public static void Forward<T>(ReadOnlySpan<int> ids, int length, ReadOnlySpan<T> weight, int width, ReadOnlySpan<int> complement, Span<T> output)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int row = 0; row < output.Length / width; row++)
            weight.Slice(Id(ids, length, complement, row) * width, width).CopyTo(output[(row * width)..]);
    }

    /// <summary>dweight [vocab, width] from dx [strands * batch, length, width].</summary>
    public static void Backward<T>(ReadOnlySpan<int> ids, int length, ReadOnlySpan<T> dx, int width, ReadOnlySpan<int> complement, Span<T> dweight)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        dweight.Clear();
        for (int row = 0; row < dx.Length / width; row++)
        {
            Span<T> target = dweight.Slice(Id(ids, length, complement, row) * width, width);
            for (int d = 0; d < width; d++) target[d] += dx[(row * width) + d];
        }
    }

    // Rows behind the ids' are the other strand's, mirrored in length.
    private static int Id(ReadOnlySpan<int> ids, int length, ReadOnlySpan<int> complement, int row)
    {
        if (row < ids.Length) return ids[row];
        (int b, int t) = Math.DivRem(row - ids.Length, length);
        return complement[ids[(b * length) + length - 1 - t]];
    }
}
