using System.Runtime.InteropServices;
using GenoSeq.Models.Kernels.Cuda;

namespace GenoSeq.Emulator;

/// <summary>
/// Runs the CUDA text on the CPU: every program is compiled by g++, the threads of a block are fibers. Finds what tests can
/// find without a device: wrong results, misaligned accesses, indices outside arrays and shared memory, reads of shared memory
/// that nobody wrote (NaN), missing waits for asynchronous copies, diverged collectives, blocks that wait for ever.
/// </summary>
public sealed unsafe class EmulatedDevice : KernelDevice
{
    /// <inheritdoc/>
    public override string Name => "emulator";

    /// <inheritdoc/>
    public override int Multiprocessors => Processors;

    /// <summary>What <see cref="Multiprocessors"/> says; few, so that grids sized by it stay small.</summary>
    public int Processors { get; init; } = 4;

    /// <summary>Blocks said to fit on a multiprocessor.</summary>
    public int Occupancy { get; init; } = 2;

    /// <summary>Blocks that run at once. More than one makes sense with a <see cref="Seed"/>.</summary>
    public int Resident { get; init; } = 1;

    /// <summary>0: lanes and warps run in order. Otherwise lanes run downwards and warps at random; results must not differ.</summary>
    public int Seed { get; init; }

    /// <summary>Makes this device take the CPU tensors of this thread until the result is disposed.</summary>
    public Scope Use() => new(this);

    /// <inheritdoc/>
    public override KernelFunction Function(KernelProgram program, string entry, int threads, int sharedBytes = 0)
    {
        ArgumentNullException.ThrowIfNull(program);
        if (threads is < 32 or > 1024 || threads % 32 != 0)
        {
            throw new ArgumentException($"{entry}: a block of {threads} threads is not made of whole warps", nameof(threads));
        }

        if (sharedBytes is < 0 or > 227 * 1024)
        {
            throw new ArgumentException($"{entry}: no multiprocessor has {sharedBytes} bytes of shared memory for a block", nameof(sharedBytes));
        }

        EmulatedProgram compiled = EmulatedProgram.Of(program);
        return new EmulatedFunction
        {
            Name = entry,
            Threads = threads,
            SharedBytes = sharedBytes,
            BlocksPerMultiprocessor = Occupancy,
            Program = compiled,
            Entry = compiled.Entry(entry),
        };
    }

    /// <inheritdoc/>
    protected override void LaunchRaw(KernelFunction function, uint x, uint y, uint z, void* argument, int bytes)
    {
        var f = (EmulatedFunction)function;
        var launch = new LaunchArguments
        {
            X = x,
            Y = y,
            Z = z,
            Threads = (uint)f.Threads,
            Shared = (uint)f.SharedBytes,
            Resident = (uint)Resident,
            Seed = (uint)Seed,
        };
        string? error;
        lock (f.Program)
        {
            error = Marshal.PtrToStringUTF8(((delegate* unmanaged<void*, nint, LaunchArguments*, nint>)f.Entry)(argument, bytes, &launch));
        }

        if (error is not null)
        {
            throw new InvalidOperationException($"{f.Name}: {error}");
        }
    }

    private sealed class EmulatedFunction : KernelFunction
    {
        public required EmulatedProgram Program { get; init; }

        public required nint Entry { get; init; }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct LaunchArguments
    {
        public uint X, Y, Z, Threads, Shared, Resident, Seed;
    }

    /// <summary>While it lives, a device takes the CPU tensors of this thread.</summary>
    public readonly ref struct Scope
    {
        private readonly KernelDevice? _before;

        internal Scope(EmulatedDevice device)
        {
            _before = KernelDevices.Emulator;
            KernelDevices.Emulator = device;
        }

        /// <summary>The device before takes over again.</summary>
        public void Dispose() => KernelDevices.Emulator = _before;
    }
}
