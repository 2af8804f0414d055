using System.Runtime.InteropServices;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Streaming;

/// <summary>
/// Host memory that a GPU copies from and to by itself while other work goes on. In pages of 2 MiB where the system has them,
/// which pins many times faster than small ones.
/// </summary>
public sealed unsafe partial class PinnedMemory : IDisposable
{
    private const int HugePages = 14;
    private const int HugePage = 2 << 20;
    private const int Portable = 1;
    private const int PageSize = 4096;

    private nint _address;

    /// <summary>Takes memory and pins it.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="context">Of the GPU's driver: <see cref="CurrentContext"/>; 0 leaves the memory unpinned.</param>
    /// <exception cref="OutOfMemoryException">There is not so much.</exception>
    public PinnedMemory(long bytes, nint context)
    {
        Bytes = bytes;
        _address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, HugePage);
        _ = Advise(_address, (nuint)bytes, HugePages);
        for (long at = 0; at < bytes; at += PageSize)
        {
            ((byte*)_address)[at] = 0;
        }

        if (context != 0 && DriverApi.Instance.MemHostRegister != null && DriverApi.Instance.CtxSetCurrent(context) == 0)
        {
            IsPinned = DriverApi.Instance.MemHostRegister(_address, (nuint)bytes, Portable) == 0;
        }
    }

    /// <summary>Bytes of the memory.</summary>
    public long Bytes { get; }

    /// <summary>False where the driver would not: copies then wait.</summary>
    public bool IsPinned { get; }

    /// <summary>The driver's context of this thread, which other threads need for pinning; 0 without a GPU.</summary>
    public static nint CurrentContext()
    {
        nint context = 0;
        return DriverApi.Instance.CtxGetCurrent(&context) == 0 ? context : 0;
    }

    /// <summary>The memory as a tensor, which must not outlive it.</summary>
    /// <param name="size">Shape, row-major, within the memory.</param>
    /// <param name="type">Element type.</param>
    public Tensor AsTensor(long[] size, ScalarType type) => from_blob(_address, size, type, this);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_address != 0)
        {
            if (IsPinned)
            {
                _ = DriverApi.Instance.MemHostUnregister(_address);
            }

            NativeMemory.AlignedFree((void*)_address);
            _address = 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
