using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>A compiled entry point, ready to launch with a fixed block size.</summary>
public abstract class KernelFunction
{
    /// <summary>Name of the entry point.</summary>
    public required string Name { get; init; }

    /// <summary>Threads of a block.</summary>
    public required int Threads { get; init; }

    /// <summary>Bytes of dynamic shared memory of a block.</summary>
    public required int SharedBytes { get; init; }

    /// <summary>Blocks that fit on one multiprocessor at once.</summary>
    public required int BlocksPerMultiprocessor { get; init; }

    /// <summary>Registers of a thread; 0 where it means nothing.</summary>
    public int Registers { get; init; }

    /// <summary>Bytes of local memory (spills, stack) of a thread.</summary>
    public int LocalBytes { get; init; }
}

/// <summary>
/// What runs the kernels of <c>Kernels/Cuda/Source</c> on the memory of one kind of tensors: a CUDA device, or in tests an
/// emulator that compiles the same text for the CPU.
/// </summary>
public abstract class KernelDevice
{
    /// <summary>Name for people.</summary>
    public abstract string Name { get; }

    /// <summary>Streaming multiprocessors.</summary>
    public abstract int Multiprocessors { get; }

    /// <summary>Is told of every launch, the entry point and its blocks, for measurements; null: nobody is.</summary>
    internal Action<KernelFunction, long>? Launched { get; set; }

    /// <summary>Compiles (once for each program and entry) and returns an entry point.</summary>
    /// <param name="program">The text.</param>
    /// <param name="entry">An <c>extern "C"</c> name in it.</param>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block in bytes.</param>
    public abstract KernelFunction Function(KernelProgram program, string entry, int threads, int sharedBytes = 0);

    /// <summary>Launches on libtorch's current stream; does not wait.</summary>
    /// <param name="function">From <see cref="Function"/>.</param>
    /// <param name="grid">Blocks along x, y and z; an empty grid is no launch.</param>
    /// <param name="argument">The kernel's one parameter, a struct that is passed by value.</param>
    public unsafe void Launch<T>(KernelFunction function, (long X, long Y, long Z) grid, in T argument)
        where T : unmanaged
    {
        if (grid.X == 0 || grid.Y == 0 || grid.Z == 0)
        {
            return;
        }

        Launched?.Invoke(function, grid.X * grid.Y * grid.Z);
        fixed (T* p = &argument)
        {
            LaunchRaw(function, checked((uint)grid.X), checked((uint)grid.Y), checked((uint)grid.Z), p, sizeof(T));
        }
    }

    /// <summary>The launch itself.</summary>
    protected abstract unsafe void LaunchRaw(KernelFunction function, uint x, uint y, uint z, void* argument, int bytes);
}

/// <summary>Which device's kernels take which tensors.</summary>
public static class KernelDevices
{
    private static readonly Lock s_lock = new();
    private static readonly Dictionary<int, KernelDevice> s_cuda = [];

    /// <summary>Makes the kernels of a CUDA device; tests have others.</summary>
    internal static Func<int, KernelDevice> CreateCuda { get; set; } = CudaKernelDevice.Create;

    /// <summary>An emulator that takes CPU tensors on this thread; for tests. Null: CPU tensors have kernels of their own.</summary>
    [field: ThreadStatic]
    internal static KernelDevice? Emulator { get; set; }

    /// <summary>The device that runs CUDA kernels on a tensor's memory, or null where none does.</summary>
    public static KernelDevice? Of(torch.Tensor t)
    {
        ArgumentNullException.ThrowIfNull(t);
        Device device = t.device;
        if (device.Type != DeviceType.CUDA)
        {
            return Emulator;
        }

        lock (s_lock)
        {
            if (!s_cuda.TryGetValue(device.Index, out KernelDevice? found))
            {
                found = CreateCuda(device.Index);
                s_cuda.Add(device.Index, found);
            }

            return found;
        }
    }
}
