using System.Runtime.InteropServices;
using GenoSeq.Data;

namespace GenoSeq.Training.Engine;

/// <summary>
/// Page-locks a batch's arrays for CUDA, so that copies to the device go by direct memory access and while the program
/// goes on. The arrays lie on the heap of objects that never move, so registering them where they are is enough: no second
/// buffer, no second copy.
/// </summary>
internal sealed partial class PinnedPages : IDisposable
{
    private const uint Portable = 1;

    private readonly List<nint> _registered = [];

    private PinnedPages(Batch batch)
    {
        Register(batch.Inputs);
        Register(batch.Labels);
        Register(batch.Weights);
        Register(batch.SequenceIds);
    }

    /// <summary>True if every array is locked.</summary>
    internal bool IsComplete { get; private set; } = true;

    /// <summary>
    /// Locks the pages of a batch. Where the driver refuses (a limit on locked memory, say) the arrays stay as they are, and
    /// copies from them are merely slower.
    /// </summary>
    internal static PinnedPages Of(Batch batch) => new(batch);

    /// <summary>Address of an array's first element; fixed, because a batch's arrays are on the pinned heap.</summary>
    internal static nint AddressOf<T>(T[] array) => Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (nint address in _registered)
        {
            _ = cuMemHostUnregister(address);
        }

        _registered.Clear();
    }

    private void Register<T>(T[]? array)
        where T : unmanaged
    {
        if (array is null)
        {
            return;
        }

        nint address = AddressOf(array);
        try
        {
            if (cuMemHostRegister(address, (nuint)Buffer.ByteLength(array), Portable) == 0)
            {
                _registered.Add(address);
                return;
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Without the driver there is no device to copy to either.
        }

        IsComplete = false;
    }

    [LibraryImport("libcuda.so.1", EntryPoint = "cuMemHostRegister_v2")]
    private static partial int cuMemHostRegister(nint address, nuint bytes, uint flags);

    [LibraryImport("libcuda.so.1")]
    private static partial int cuMemHostUnregister(nint address);
}
