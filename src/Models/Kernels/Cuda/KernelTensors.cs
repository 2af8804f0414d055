using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Checks of the tensors that are handed to kernels as addresses.</summary>
internal static class KernelTensors
{
    /// <summary>Definitions for the type of the activations.</summary>
    /// <exception cref="ArgumentException">It is neither bfloat16 nor single precision.</exception>
    internal static string[] Definitions(ScalarType activation, string name, params ReadOnlySpan<string> more) => activation switch
    {
        ScalarType.BFloat16 => [.. more],
        ScalarType.Float32 => ["GS_F32_IO=1", .. more],
        _ => throw new ArgumentException($"{name} is {activation}; the kernels take bf16 and f32"),
    };

    /// <summary>Address of a contiguous tensor of a given type and shape; 0 for null.</summary>
    /// <exception cref="ArgumentException">Type, shape or layout differ.</exception>
    internal static nint Dense(Tensor? t, string name, ScalarType type, params ReadOnlySpan<long> size)
    {
        if (t is null) return 0;
        return t.dtype == type && t.is_contiguous() && t.shape.AsSpan().SequenceEqual(size)
            ? t.data_ptr()
            : throw new ArgumentException($"{name} must be a contiguous {type} [{string.Join(", ", size.ToArray())}], not {t.Describe()}");
    }

    /// <summary>A size that kernels count in 32 bits.</summary>
    /// <exception cref="ArgumentException">It has more.</exception>
    internal static int Count(long n, string name) => n is >= 0 and <= int.MaxValue
        ? (int)n
        : throw new ArgumentException($"{n} {name}; the kernels take at most {int.MaxValue}");

    /// <summary>Blocks of a kernel that strides over its work: as many as run at once, or fewer.</summary>
    internal static long Grid(KernelDevice device, KernelFunction function, long most) =>
        Math.Clamp(most, 1, (long)device.Multiprocessors * function.BlocksPerMultiprocessor);

    internal static long Ceiling(long a, long b) => (a + b - 1) / b;
}
