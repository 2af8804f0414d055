using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels;

/// <summary>Argument checks shared by all kernels; one failing argument, one clear <see cref="ArgumentException"/>.</summary>
internal static unsafe class KernelCheck
{
    public static void AtLeast(long value, long minimum, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (value < minimum) throw new ArgumentException($"{name} is {value}; expected at least {minimum}.", name);
    }

    public static void Between(long value, long minimum, long maximum, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (value < minimum || value > maximum)
            throw new ArgumentException($"{name} is {value}; expected {minimum} to {maximum}.", name);
    }

    public static void Present(void* data, long count, [CallerArgumentExpression(nameof(data))] string name = "")
    {
        if (data == null && count > 0) throw new ArgumentException($"{name} is null; it is required.", name);
    }

    /// <summary>Rows that must be given: present, and with strides that keep rows apart.</summary>
    public static void Required<T>(
        Rows<T> rows, int batch, int length, int channels, [CallerArgumentExpression(nameof(rows))] string name = "")
        where T : unmanaged
    {
        Present(rows.Data, (long)batch * length * channels, name);
        Optional(rows, batch, length, channels, name);
    }

    /// <summary>Rows that may be absent, but must have sound strides when present.</summary>
    public static void Optional<T>(
        Rows<T> rows, int batch, int length, int channels, [CallerArgumentExpression(nameof(rows))] string name = "")
        where T : unmanaged
    {
        if (!rows.IsPresent) return;
        if (length > 1 && rows.RowStride < channels)
            throw new ArgumentException($"{name}: row stride {rows.RowStride} is below the {channels} elements of a row.", name);
        if (batch > 1 && length > 0 && rows.BatchStride < channels)
            throw new ArgumentException($"{name}: batch stride {rows.BatchStride} is below the {channels} elements of a row.", name);
    }
}
