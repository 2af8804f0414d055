using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>Makes tensors [batch, length, heads, width] fit the engines' kernels: widths of whole tiles, none too wide, rows evenly spaced.</summary>
internal static class KernelWidths
{
    /// <summary>Widest keys and values of a launch.</summary>
    internal const int Max = SsdKernels.MaxWidth;

    /// <summary>Into how many parts <see cref="Slabs"/> cuts.</summary>
    internal static int Count(long width) => (int)((width + Max - 1) / Max);

    /// <summary>Parts of about equal width that the kernels take.</summary>
    internal static Tensor[] Slabs(Tensor t, int dim)
    {
        (long width, int count) = (t.size(dim), Count(t.size(dim)));
        return t.split([.. Enumerable.Range(0, count).Select(i => ((i + 1) * width / count) - (i * width / count))], dim);
    }

    /// <summary>As it is where the kernels can read it so, else a copy.</summary>
    internal static Tensor Rows(Tensor t)
    {
        long bytes = t.dtype.ElementSize();
        bool even = t.stride(3) == 1 && (t.size(2) == 1 || t.stride(2) == t.size(3)) && (t.size(0) == 1 || t.stride(0) == t.stride(1) * t.size(1))
            && t.stride(1) * bytes % 16 == 0 && (t.data_ptr() & 15) == 0;
        return even ? t : t.contiguous();
    }

    /// <summary>With zeros up to a multiple of 16, which change nothing.</summary>
    internal static Tensor Filled(Tensor t, int dim)
    {
        long[] missing = t.shape;
        missing[dim] = (16 - (t.size(dim) % 16)) % 16;
        return missing[dim] == 0 ? t : cat([t, zeros(missing, t.dtype, t.device)], dim);
    }

    /// <summary>Without them.</summary>
    internal static Tensor Cut(Tensor t, int dim, long width) => t.size(dim) == width ? t : t.narrow(dim, 0, width);
}
