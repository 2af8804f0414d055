namespace GenoSeq.Torch.Safetensors;

/// <summary>One tensor of a safetensors file, as its header describes it.</summary>
/// <param name="Name">Name of the tensor, such as <c>backbone.layers.0.mixer.in_proj.weight</c>.</param>
/// <param name="DType">Element type.</param>
/// <param name="Shape">Sizes of the dimensions, row-major; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the start of the data (not of the file).</param>
/// <param name="End">One past the last byte, counted likewise.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsDType DType, long[] Shape, long Begin, long End)
{
    /// <summary>Bytes of data.</summary>
    public long ByteLength => End - Begin;

    /// <summary>Number of elements: the product of <see cref="Shape"/>, 1 for a scalar.</summary>
    public long ElementCount => ByteLength / DType.ItemSize();

    /// <summary>Bytes that a tensor takes; null when a size is negative or the product exceeds 63 bits.</summary>
    internal static long? SizeOf(SafetensorsDType dtype, ReadOnlySpan<long> shape)
    {
        long size = dtype.ItemSize();
        foreach (var dimension in shape)
        {
            if (dimension < 0 || Math.BigMul(size, dimension, out var low) != 0 || low < 0) return null;
            size = low;
        }

        return size;
    }
}
