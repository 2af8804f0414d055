using System.Runtime.InteropServices;

namespace GenoSeq.Models.Kernels;

/// <summary>
/// Cache-line aligned working memory. Each thread keeps its own block and grows it on demand, so steady-state kernels neither
/// allocate nor page-fault; blocks above <see cref="KeepBytes"/> are given back after use.
/// </summary>
internal sealed unsafe class KernelScratch
{
    private const nuint KeepBytes = 64u << 20;
    private const nuint Alignment = 64;

    [ThreadStatic]
    private static KernelScratch? t_item;

    [ThreadStatic]
    private static KernelScratch? t_call;

    private byte* _data;
    private nuint _size;

    ~KernelScratch() => NativeMemory.AlignedFree(_data);

    /// <summary>Memory for one work item; the next call on this thread reuses it. Contents are undefined.</summary>
    public static float* ForItem(long floats) => (t_item ??= new KernelScratch()).Get(floats);

    /// <summary>Memory for one whole kernel call, shared with its items. Contents are undefined.</summary>
    public static Lease ForCall(long floats)
    {
        // Taken out of the slot while in use, so that a kernel that calls another gets memory of its own.
        KernelScratch scratch = t_call ?? new KernelScratch();
        t_call = null;
        return new Lease(scratch, scratch.Get(floats));
    }

    private float* Get(long floats)
    {
        nuint bytes = checked((nuint)Math.Max(floats, 1) * sizeof(float));
        if (bytes > _size)
        {
            NativeMemory.AlignedFree(_data);
            _data = null;
            _size = 0;
            _data = (byte*)NativeMemory.AlignedAlloc(bytes, Alignment);
            _size = bytes;
        }

        return (float*)_data;
    }

    public readonly ref struct Lease(KernelScratch scratch, float* data)
    {
        public float* Data { get; } = data;

        public void Dispose()
        {
            if (scratch._size > KeepBytes)
            {
                NativeMemory.AlignedFree(scratch._data);
                scratch._data = null;
                scratch._size = 0;
            }

            t_call = scratch;
        }
    }
}
