using System.Runtime.InteropServices;
using GenoSeq.Torch;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>The entry points of CUDA's driver that GenoSeq calls, resolved once.</summary>
internal sealed unsafe class DriverApi
{
    internal const int MultiprocessorCount = 16;
    internal const int ComputeCapabilityMajor = 75;
    internal const int ComputeCapabilityMinor = 76;
    internal const int MaxSharedMemoryPerBlockOptin = 97;
    internal const int FunctionMaxThreads = 0;
    internal const int FunctionSharedBytes = 1;
    internal const int FunctionLocalBytes = 3;
    internal const int FunctionRegisters = 4;
    internal const int FunctionMaxDynamicSharedBytes = 8;
    internal const int ErrorNoDevice = 100;

    /// <summary>Where the driver is, as a name for the dynamic linker and as a file under Windows' Linux.</summary>
    internal static readonly IReadOnlyList<string> Names = ["libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"];

    internal readonly delegate* unmanaged[Cdecl]<int*, int> DriverGetVersion;
    internal readonly delegate* unmanaged[Cdecl]<int*, int> DeviceGetCount;
    internal readonly delegate* unmanaged[Cdecl]<int*, int, int> DeviceGet;
    internal readonly delegate* unmanaged[Cdecl]<byte*, int, int, int> DeviceGetName;
    internal readonly delegate* unmanaged[Cdecl]<byte*, int, int, int> DeviceGetPciBusId;
    internal readonly delegate* unmanaged[Cdecl]<int*, int, int, int> DeviceGetAttribute;
    internal readonly delegate* unmanaged[Cdecl]<nint*, int, int> DevicePrimaryCtxRetain;
    internal readonly delegate* unmanaged[Cdecl]<int, int> DevicePrimaryCtxRelease;
    internal readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint*, int> CtxGetCurrent;
    internal readonly delegate* unmanaged[Cdecl]<nint, int> CtxSetCurrent;
    internal readonly delegate* unmanaged[Cdecl]<nint*, byte*, int> ModuleLoadData;
    internal readonly delegate* unmanaged[Cdecl]<nint*, nint, byte*, int> ModuleGetFunction;
    internal readonly delegate* unmanaged[Cdecl]<int*, int, nint, int> FuncGetAttribute;
    internal readonly delegate* unmanaged[Cdecl]<nint, int, int, int> FuncSetAttribute;
    internal readonly delegate* unmanaged[Cdecl]<int*, nint, int, nuint, int> OccupancyMaxActiveBlocks;
    internal readonly delegate* unmanaged[Cdecl]<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int> LaunchKernel;
    internal readonly delegate* unmanaged[Cdecl]<nint, int> StreamSynchronize;
    internal readonly delegate* unmanaged[Cdecl]<nuint*, nuint*, int> MemGetInfo;
    /// <summary>Null in drivers and stand-ins that cannot pin memory.</summary>
    internal readonly delegate* unmanaged[Cdecl]<nint, nuint, uint, int> MemHostRegister;
    internal readonly delegate* unmanaged[Cdecl]<nint, int> MemHostUnregister;
    private readonly delegate* unmanaged[Cdecl]<int, byte**, int> _getErrorName;
    private readonly delegate* unmanaged[Cdecl]<int, byte**, int> _getErrorString;

    private static readonly Lazy<DriverApi> s_instance = new(() => Find(Names), LazyThreadSafetyMode.PublicationOnly);

    private DriverApi(nint library)
    {
        DriverGetVersion = (delegate* unmanaged[Cdecl]<int*, int>)Export("cuDriverGetVersion");
        DeviceGetCount = (delegate* unmanaged[Cdecl]<int*, int>)Export("cuDeviceGetCount");
        DeviceGet = (delegate* unmanaged[Cdecl]<int*, int, int>)Export("cuDeviceGet");
        DeviceGetName = (delegate* unmanaged[Cdecl]<byte*, int, int, int>)Export("cuDeviceGetName");
        DeviceGetPciBusId = (delegate* unmanaged[Cdecl]<byte*, int, int, int>)Export("cuDeviceGetPCIBusId");
        DeviceGetAttribute = (delegate* unmanaged[Cdecl]<int*, int, int, int>)Export("cuDeviceGetAttribute");
        DevicePrimaryCtxRetain = (delegate* unmanaged[Cdecl]<nint*, int, int>)Export("cuDevicePrimaryCtxRetain");
        DevicePrimaryCtxRelease = (delegate* unmanaged[Cdecl]<int, int>)Export("cuDevicePrimaryCtxRelease_v2");
        CtxGetCurrent = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint*, int>)Export("cuCtxGetCurrent");
        CtxSetCurrent = (delegate* unmanaged[Cdecl]<nint, int>)Export("cuCtxSetCurrent");
        ModuleLoadData = (delegate* unmanaged[Cdecl]<nint*, byte*, int>)Export("cuModuleLoadData");
        ModuleGetFunction = (delegate* unmanaged[Cdecl]<nint*, nint, byte*, int>)Export("cuModuleGetFunction");
        FuncGetAttribute = (delegate* unmanaged[Cdecl]<int*, int, nint, int>)Export("cuFuncGetAttribute");
        FuncSetAttribute = (delegate* unmanaged[Cdecl]<nint, int, int, int>)Export("cuFuncSetAttribute");
        OccupancyMaxActiveBlocks = (delegate* unmanaged[Cdecl]<int*, nint, int, nuint, int>)Export("cuOccupancyMaxActiveBlocksPerMultiprocessor");
        LaunchKernel = (delegate* unmanaged[Cdecl]<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)Export("cuLaunchKernel");
        StreamSynchronize = (delegate* unmanaged[Cdecl]<nint, int>)Export("cuStreamSynchronize");
        MemGetInfo = (delegate* unmanaged[Cdecl]<nuint*, nuint*, int>)Export("cuMemGetInfo_v2");
        if (NativeLibrary.TryGetExport(library, "cuMemHostRegister_v2", out nint register) && NativeLibrary.TryGetExport(library, "cuMemHostUnregister", out nint unregister))
        {
            MemHostRegister = (delegate* unmanaged[Cdecl]<nint, nuint, uint, int>)register;
            MemHostUnregister = (delegate* unmanaged[Cdecl]<nint, int>)unregister;
        }

        _getErrorName = (delegate* unmanaged[Cdecl]<int, byte**, int>)Export("cuGetErrorName");
        _getErrorString = (delegate* unmanaged[Cdecl]<int, byte**, int>)Export("cuGetErrorString");
        InitStatus = ((delegate* unmanaged[Cdecl]<uint, int>)Export("cuInit"))(0);

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>What <c>cuInit</c> said: 0, or why there is nothing to run on.</summary>
    internal int InitStatus { get; }

    /// <summary>The machine's driver.</summary>
    /// <exception cref="MissingLibraryException">There is none.</exception>
    internal static DriverApi Instance => s_instance.Value;

    /// <summary>The first of several files or names that loads.</summary>
    /// <exception cref="MissingLibraryException">None does.</exception>
    internal static DriverApi Find(IReadOnlyList<string> names)
    {
        string why = "";
        foreach (string name in names)
        {
            if (!NativeLibrary.TryLoad(name, out nint library))
            {
                continue;
            }

            try
            {
                return new DriverApi(library);
            }
            catch (EntryPointNotFoundException e)
            {
                why = $": {name} is too old: {e.Message}";
            }
        }

        throw new MissingLibraryException($"CUDA kernels need NVIDIA's driver, which is not installed (looked for {string.Join(", ", names)}{why})",
            "libcuda.so.1 of a driver for CUDA 12 or newer", "install the driver; in a container, start it with the GPU (docker run --gpus all)");
    }

    /// <summary>The newest CUDA that the driver runs.</summary>
    internal Version Version()
    {
        int v = 0;
        _ = DriverGetVersion(&v);
        return new Version(v / 1000, v % 1000 / 10);
    }

    /// <summary>Name and text of a status.</summary>
    internal string Describe(int status)
    {
        byte* name = null;
        byte* text = null;
        _ = _getErrorName(status, &name);
        _ = _getErrorString(status, &text);
        return $"{Marshal.PtrToStringUTF8((nint)name) ?? "unknown error"} ({status}): {Marshal.PtrToStringUTF8((nint)text) ?? "no description"}";
    }

    /// <summary>Throws unless a call went well.</summary>
    internal void Check(int status, string call)
    {
        if (status != 0)
        {
            throw new CudaKernelException($"{call}: {Describe(status)}", status);
        }
    }

    /// <summary>A number about a device.</summary>
    internal int Attribute(int device, int attribute)
    {
        int value;
        Check(DeviceGetAttribute(&value, attribute, device), "cuDeviceGetAttribute");
        return value;
    }
}
