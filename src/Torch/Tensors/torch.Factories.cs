using System.Runtime.InteropServices;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

/// <summary>libtorch under TorchSharp's names: tensors, operators, autograd, modules, optimizers.</summary>
public static unsafe partial class torch
{
    private static readonly Operator s_empty = new("aten::empty", "memory_format");
    private static readonly Operator s_full = new("aten::full");
    private static readonly Operator s_zeros = new("aten::zeros");
    private static readonly Operator s_arange = new("aten::arange", "start_step");
    private static readonly Operator s_randn = new("aten::randn");
    private static readonly Operator s_rand = new("aten::rand");
    private static readonly Operator s_randint = new("aten::randint", "low");
    private static readonly Operator s_randperm = new("aten::randperm");
    private static readonly Operator s_zerosLike = new("aten::zeros_like");
    private static readonly Operator s_emptyLike = new("aten::empty_like");
    private static readonly Operator s_onesLike = new("aten::ones_like");

    /// <summary>Single precision.</summary>
    public const ScalarType float32 = ScalarType.Float32;

    /// <summary>Double precision.</summary>
    public const ScalarType float64 = ScalarType.Float64;

    /// <summary>Half precision.</summary>
    public const ScalarType float16 = ScalarType.Float16;

    /// <summary>bfloat16.</summary>
    public const ScalarType bfloat16 = ScalarType.BFloat16;

    /// <summary>64-bit integers.</summary>
    public const ScalarType int64 = ScalarType.Int64;

    /// <summary>32-bit integers.</summary>
    public const ScalarType int32 = ScalarType.Int32;

    /// <summary>Booleans.</summary>
    public const ScalarType @bool = ScalarType.Bool;

    /// <summary>The host.</summary>
    public static Device CPU => Device.CPU;

    /// <summary>Version of the libtorch that is loaded, such as <c>1.13.1</c>.</summary>
    public static string __version__ => Marshal.PtrToStringUTF8(NativeMethods.gs_torch_version()) ?? "";

    /// <summary>Opens a dispose scope on this thread.</summary>
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.NewDisposeScope();

    /// <summary>An uninitialised tensor.</summary>
    public static Tensor empty(long[] size, ScalarType dtype = float32, Device? device = null) =>
        s_empty.Call(size, dtype, Arg.None, device, Arg.None);

    /// <summary>Zeros.</summary>
    public static Tensor zeros(long[] size, ScalarType dtype = float32, Device? device = null) =>
        s_zeros.Call(size, dtype, Arg.None, device, Arg.None);

    /// <summary>Ones.</summary>
    public static Tensor ones(long[] size, ScalarType dtype = float32, Device? device = null) =>
        full(size, 1, dtype, device);

    /// <summary>One value everywhere.</summary>
    public static Tensor full(long[] size, double value, ScalarType dtype = float32, Device? device = null) =>
        s_full.Call(size, value, dtype, Arg.None, device, Arg.None);

    /// <summary>start, start + step, ... below stop.</summary>
    public static Tensor arange(long start, long stop, long step = 1, ScalarType dtype = int64, Device? device = null) =>
        s_arange.Call(start, stop, step, dtype, Arg.None, device, Arg.None);

    /// <summary>Standard normal numbers.</summary>
    public static Tensor randn(long[] size, ScalarType dtype = float32, Device? device = null) =>
        s_randn.Call(size, dtype, Arg.None, device, Arg.None);

    /// <summary>Uniform numbers in [0, 1).</summary>
    public static Tensor rand(long[] size, ScalarType dtype = float32, Device? device = null) =>
        s_rand.Call(size, dtype, Arg.None, device, Arg.None);

    /// <summary>Uniform integers in [low, high).</summary>
    public static Tensor randint(long low, long high, long[] size, ScalarType dtype = int64, Device? device = null) =>
        s_randint.Call(low, high, size, dtype, Arg.None, device, Arg.None);

    /// <summary>A random permutation of 0..n-1.</summary>
    public static Tensor randperm(long n, Device? device = null) => s_randperm.Call(n, int64, Arg.None, device, Arg.None);

    /// <summary>Zeros of another tensor's shape, type and device.</summary>
    public static Tensor zeros_like(Tensor t) => s_zerosLike.Call(t);

    /// <summary>Ones of another tensor's shape, type and device.</summary>
    public static Tensor ones_like(Tensor t) => s_onesLike.Call(t);

    /// <summary>An uninitialised tensor of another's shape, type and device.</summary>
    public static Tensor empty_like(Tensor t) => s_emptyLike.Call(t);

    /// <summary>A tensor on the CPU with a copy of the values.</summary>
    /// <param name="values">Elements in row-major order.</param>
    /// <param name="size">Shape; its product is the number of values.</param>
    /// <param name="device">Where to put it; the CPU when null.</param>
    public static Tensor tensor<T>(ReadOnlySpan<T> values, long[] size, Device? device = null) where T : unmanaged
    {
        long n = 1;
        foreach (long s in size)
        {
            n *= s;
        }

        if (n != values.Length)
        {
            throw new ArgumentException($"{values.Length} values do not fill the shape [{string.Join(", ", size)}]");
        }

        Tensor t = empty(size, ScalarTypes.Of<T>());
        values.CopyTo(t.AsSpan<T>());
        if (device is { Type: not DeviceType.CPU } d)
        {
            Tensor moved = t.to(d);
            t.Dispose();
            return moved;
        }

        return t;
    }

    /// <summary>A tensor on the CPU with a copy of the array.</summary>
    public static Tensor tensor<T>(T[] values, params long[] size) where T : unmanaged =>
        tensor<T>(values.AsSpan(), size.Length == 0 ? [values.Length] : size);

    /// <summary>A tensor without dimensions.</summary>
    public static Tensor scalar(double value, ScalarType dtype = float32, Device? device = null) =>
        full([], value, dtype, device);

    /// <summary>
    /// A tensor over memory that is not libtorch's, without a copy. The memory must stay where it is until the tensor
    /// and all that shares its storage are gone; <paramref name="owner"/> is kept alive until then.
    /// </summary>
    /// <param name="data">Address of the first element, on the CPU.</param>
    /// <param name="size">Shape; row-major.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="owner">What owns the memory.</param>
    public static Tensor from_blob(nint data, long[] size, ScalarType dtype, object owner)
    {
        ArgumentNullException.ThrowIfNull(size);
        nint result;
        fixed (long* sizes = size)
        {
            // The native side frees the handle, also when it fails.
            nint context = GCHandle.ToIntPtr(GCHandle.Alloc(owner));
            Status.Check(NativeMethods.gs_tensor_from_blob((void*)data, sizes, size.Length, (int)dtype, &FreeOwner,
                context, &result), "from_blob");
        }

        return new Tensor(result);
    }

    [UnmanagedCallersOnly]
    private static void FreeOwner(nint context) => GCHandle.FromIntPtr(context).Free();
}
