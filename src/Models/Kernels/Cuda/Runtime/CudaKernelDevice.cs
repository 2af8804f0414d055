using System.Collections.Concurrent;
using System.Text;
using GenoSeq.Torch;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>An entry point in a module of the driver.</summary>
internal sealed class CudaKernelFunction : KernelFunction
{
    /// <summary>The <c>CUfunction</c>.</summary>
    internal required nint Handle { get; init; }
}

/// <summary>Runs kernels on a CUDA device, in its primary context, which is libtorch's.</summary>
/// <remarks>Thread-safe. Each program is compiled and loaded once; modules stay loaded until the process ends.</remarks>
internal sealed unsafe class CudaKernelDevice : KernelDevice
{
    /// <summary>Environment variable that makes every launch wait for its end, so that an error names the kernel that made it.</summary>
    internal const string SyncVariable = "GENOSEQ_CUDA_SYNC";

    // Without an opt-in a block has this much.
    private const int PlainSharedBytes = 48 * 1024;

    private readonly DriverApi _driver;
    private readonly KernelBuilder _builder;
    private readonly Func<int, nint> _stream;
    private readonly int _index;
    private readonly nint _context;
    private readonly bool _synchronous;
    private readonly ConcurrentDictionary<KernelProgram, Lazy<Module>> _modules = new();
    private readonly ConcurrentDictionary<FunctionKey, CudaKernelFunction> _functions = new();

    /// <summary>Opens a device.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="index">The device's index, libtorch's as well as the driver's.</param>
    /// <param name="builder">Makes the builder of binaries for a compute capability (10 major + minor).</param>
    /// <param name="stream">Libtorch's current stream of a device on this thread.</param>
    /// <param name="synchronous">Every launch waits for its end.</param>
    internal CudaKernelDevice(DriverApi driver, int index, Func<int, KernelBuilder> builder, Func<int, nint> stream, bool synchronous = false)
    {
        _driver = driver;
        _index = index;
        _stream = stream;
        _synchronous = synchronous;
        driver.Check(driver.InitStatus, "cuInit");
        int device;
        driver.Check(driver.DeviceGet(&device, index), FormattableString.Invariant($"cuDeviceGet({index})"));
        Span<byte> name = stackalloc byte[256];
        fixed (byte* p = name)
        {
            driver.Check(driver.DeviceGetName(p, name.Length, device), "cuDeviceGetName");
        }

        Name = Encoding.UTF8.GetString(name[..Math.Max(0, name.IndexOf((byte)0))]);
        Multiprocessors = driver.Attribute(device, DriverApi.MultiprocessorCount);
        _builder = builder((10 * driver.Attribute(device, DriverApi.ComputeCapabilityMajor)) + driver.Attribute(device, DriverApi.ComputeCapabilityMinor));
        nint context;
        driver.Check(driver.DevicePrimaryCtxRetain(&context, device), FormattableString.Invariant($"cuDevicePrimaryCtxRetain({index})"));
        _context = context;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override int Multiprocessors { get; }

    /// <summary>What binaries are made for.</summary>
    internal string Architecture => _builder.Architecture;

    /// <inheritdoc/>
    public override KernelFunction Function(KernelProgram program, string entry, int threads, int sharedBytes = 0)
    {
        ArgumentNullException.ThrowIfNull(program);
        var key = new FunctionKey(program, entry, threads, sharedBytes);
        return _functions.TryGetValue(key, out CudaKernelFunction? found) ? found : _functions.GetOrAdd(key, Load);
    }

    /// <inheritdoc/>
    protected override void LaunchRaw(KernelFunction function, uint x, uint y, uint z, void* argument, int bytes)
    {
        var f = (CudaKernelFunction)function;
        nint stream = _stream(_index);
        nint before = Enter();
        int status = _driver.LaunchKernel(f.Handle, x, y, z, (uint)f.Threads, 1, 1, (uint)f.SharedBytes, stream, &argument, null);
        if (_synchronous && status == 0)
        {
            status = _driver.StreamSynchronize(stream);
        }

        Leave(before);
        if (status != 0)
        {
            throw Failed(status, f, x, y, z);
        }
    }

    /// <summary>The device of libtorch's index, with the machine's driver and compiler.</summary>
    internal static KernelDevice Create(int index)
    {
        DriverApi driver = DriverApi.Instance;
        return new CudaKernelDevice(driver, index, capability =>
        {
            NvrtcLibrary nvrtc = CudaRuntime.Compiler(driver);
            return new KernelBuilder(new NvrtcCompiler(nvrtc), CudaRuntime.Cache(), capability, nvrtc.Architectures, Flag(KernelBuilder.LineInfoVariable));
        }, torch.cuda.current_stream, Flag(SyncVariable));

        static bool Flag(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value && value != "0";
    }

    private CudaKernelException Failed(int status, CudaKernelFunction f, uint x, uint y, uint z)
    {
        // What a kernel did wrong while it ran comes out of whatever call is next.
        string hint = _synchronous || status is < 700 or > 719 ? "" : $"\n  this may be the doing of an earlier kernel: {SyncVariable}=1 names it";
        return new CudaKernelException(FormattableString.Invariant(
            $"cuLaunchKernel of {f.Name} with grid ({x}, {y}, {z}), {f.Threads} threads and {f.SharedBytes} bytes of shared memory on device {_index} ({Name}): {_driver.Describe(status)}{hint}"), status);
    }

    // Libtorch's own threads (backward passes run on them) may have no context yet, or that of another device.
    private nint Enter()
    {
        nint current;
        _driver.Check(_driver.CtxGetCurrent(&current), "cuCtxGetCurrent");
        if (current != _context)
        {
            _driver.Check(_driver.CtxSetCurrent(_context), "cuCtxSetCurrent");
        }

        return current;
    }

    private void Leave(nint before)
    {
        if (before != _context && before != 0)
        {
            _ = _driver.CtxSetCurrent(before);
        }
    }

    private CudaKernelFunction Load(FunctionKey key)
    {
        Lazy<Module> lazy = _modules.GetOrAdd(key.Program, p => new Lazy<Module>(() => new Module(LoadModule(p, key.Entry))));
        Module module;
        try
        {
            module = lazy.Value;
        }
        catch
        {
            // A lazy value keeps its exception; the next caller shall try anew (a library may have been installed, memory freed).
            _modules.TryRemove(KeyValuePair.Create(key.Program, lazy));
            throw;
        }

        nint before = Enter();
        try
        {
            // The size to opt in to belongs to the entry point, not to the launch, and must not shrink under another user of it.
            lock (module)
            {
                return LoadFunction(module, key);
            }
        }
        finally
        {
            Leave(before);
        }
    }

    private nint LoadModule(KernelProgram program, string entry)
    {
        byte[] binary = _builder.Build(program, entry);
        nint before = Enter();
        try
        {
            nint module;
            // PTX is text and ends with a zero; so does this copy.
            byte[] ended = [.. binary, 0];
            fixed (byte* p = ended)
            {
                _driver.Check(_driver.ModuleLoadData(&module, p), $"cuModuleLoadData of {KernelBuilder.Describe(program)}, {_builder.Architecture}, on {Name}");
            }

            return module;
        }
        finally
        {
            Leave(before);
        }
    }

    private CudaKernelFunction LoadFunction(Module module, FunctionKey key)
    {
        nint found;
        fixed (byte* p = Encoding.UTF8.GetBytes(key.Entry + "\0"))
        {
            Check(_driver.ModuleGetFunction(&found, module.Handle, p), "cuModuleGetFunction");
        }

        nint function = found;

        int fixedShared = Attribute(DriverApi.FunctionSharedBytes);
        int most = Math.Max(key.SharedBytes, module.SharedBytes.GetValueOrDefault(key.Entry));
        if (fixedShared + most > PlainSharedBytes)
        {
            Check(_driver.FuncSetAttribute(function, DriverApi.FunctionMaxDynamicSharedBytes, most), "cuFuncSetAttribute(MAX_DYNAMIC_SHARED_SIZE_BYTES)");
        }

        module.SharedBytes[key.Entry] = most;
        int blocks;
        Check(_driver.OccupancyMaxActiveBlocks(&blocks, function, key.Threads, (nuint)key.SharedBytes), "cuOccupancyMaxActiveBlocksPerMultiprocessor");
        return blocks > 0
            ? new CudaKernelFunction
            {
                Name = key.Entry,
                Threads = key.Threads,
                SharedBytes = key.SharedBytes,
                BlocksPerMultiprocessor = blocks,
                Registers = Attribute(DriverApi.FunctionRegisters),
                LocalBytes = Attribute(DriverApi.FunctionLocalBytes),
                Handle = function,
            }
            : throw new CudaKernelException(FormattableString.Invariant(
                $"no block of {About()} fits on a multiprocessor: it has {Attribute(DriverApi.FunctionRegisters)} registers a thread, takes at most {Attribute(DriverApi.FunctionMaxThreads)} threads, and has {fixedShared} bytes of shared memory of its own"));

        string About() => FormattableString.Invariant(
            $"{key.Entry} of {KernelBuilder.Describe(key.Program)} with {key.Threads} threads and {key.SharedBytes} bytes of shared memory");

        void Check(int status, string call)
        {
            if (status != 0)
            {
                throw new CudaKernelException($"{call} of {About()} on device {_index} ({Name}): {_driver.Describe(status)}", status);
            }
        }

        int Attribute(int attribute)
        {
            int value;
            Check(_driver.FuncGetAttribute(&value, attribute, function), "cuFuncGetAttribute");
            return value;
        }
    }

    private readonly record struct FunctionKey(KernelProgram Program, string Entry, int Threads, int SharedBytes);

    private sealed class Module(nint handle)
    {
        internal nint Handle { get; } = handle;

        internal Dictionary<string, int> SharedBytes { get; } = [];
    }
}
