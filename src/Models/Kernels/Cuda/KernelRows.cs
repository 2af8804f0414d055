using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Activations seen as rows: channels side by side, rows evenly spaced over all leading dimensions.</summary>
/// <param name="Address">Address of the first element; 0 where absent.</param>
/// <param name="Stride">Elements from one row to the next.</param>
internal readonly record struct KernelRows(nint Address, long Stride)
{
    /// <summary>Checks a tensor whose rows are read or written in 16-byte pieces.</summary>
    /// <param name="t">[..., channels] or null.</param>
    /// <param name="name">For the message.</param>
    /// <param name="type">The type it must have.</param>
    /// <param name="size">The shape it must have; its last entry is a multiple of 8.</param>
    /// <exception cref="ArgumentException">Type, shape, spacing or alignment do not fit.</exception>
    internal static KernelRows Of(Tensor? t, string name, ScalarType type, ReadOnlySpan<long> size)
    {
        if (t is null) return default;
        long[] shape = t.shape;
        long[] stride = t.stride();
        bool fits = t.dtype == type && shape.AsSpan().SequenceEqual(size) && shape.Length >= 2;
        bool even = fits && (stride[^1] == 1 || shape[^1] == 1);
        // A dimension of one has any stride (a slice of one position of a wider tensor keeps its own), so it is passed over.
        for ((int i, long next) = (shape.Length - 2, 0); even && t.numel() > 0 && i >= 0; i--)
        {
            if (shape[i] == 1) continue;
            even = next == 0 || stride[i] == next;
            next = stride[i] * shape[i];
        }

        if (!even)
        {
            throw new ArgumentException(
                $"{name} must be {type} [{string.Join(", ", size.ToArray())}] with evenly spaced rows, not {t.Describe()} with strides [{string.Join(", ", stride)}]");
        }

        // A single row may have any stride: it is never used.
        long rows = t.numel() / Math.Max(shape[^1], 1);
        long step = rows > 1 ? RowStride(shape, stride) : shape[^1];
        if ((t.data_ptr() & 15) != 0 || step * type.ElementSize() % 16 != 0)
        {
            throw new ArgumentException($"rows of {name} must begin at multiples of 16 bytes");
        }

        return new KernelRows(t.data_ptr(), step);
    }

    /// <summary>A number of channels that is a multiple of 8.</summary>
    /// <exception cref="ArgumentException">It is not.</exception>
    internal static int Channels(long n) => n > 0 && n % 8 == 0
        ? KernelTensors.Count(n, "channels")
        : throw new ArgumentException($"{n} channels; the kernels take multiples of 8");

    // The innermost leading dimension of more than one row says how far rows lie apart.
    private static long RowStride(long[] shape, long[] stride)
    {
        for (int i = shape.Length - 2; i >= 0; i--)
        {
            if (shape[i] > 1) return stride[i];
        }

        return shape[^1];
    }
}
