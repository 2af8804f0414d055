using System.Text;
using GenoSeq.Torch;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>What CUDA kernels need and what of it this machine has: driver, devices, compiler, cache.</summary>
public static unsafe class CudaRuntime
{
    private static readonly Lock s_lock = new();
    private static NvrtcLibrary? s_compiler;
    private static KernelCache? s_cache;

    /// <summary>Is told what is wrong but no error, such as a cache that cannot be written; null: nobody is.</summary>
    public static Action<string>? Log { get; set; }

    /// <summary>The newest CUDA that the driver runs.</summary>
    /// <exception cref="MissingLibraryException">There is no driver.</exception>
    public static Version DriverVersion() => DriverApi.Instance.Version();

    /// <summary>The devices that the driver shows this process; free memory is asked for in libtorch's own context, which this call makes.</summary>
    /// <exception cref="MissingLibraryException">There is no driver.</exception>
    /// <exception cref="CudaKernelException">The driver has no device, or cannot use it.</exception>
    public static IReadOnlyList<CudaDeviceInfo> Devices()
    {
        DriverApi driver = DriverApi.Instance;
        if (driver.InitStatus == DriverApi.ErrorNoDevice)
        {
            return [];
        }

        driver.Check(driver.InitStatus, "cuInit");
        int count;
        driver.Check(driver.DeviceGetCount(&count), "cuDeviceGetCount");
        return [.. Enumerable.Range(0, count).Select(i => Describe(driver, i))];
    }

    /// <summary>NVRTC, as kernels would use it.</summary>
    /// <exception cref="MissingLibraryException">There is none.</exception>
    public static NvrtcInfo Nvrtc()
    {
        DriverApi? driver = null;
        try
        {
            driver = DriverApi.Instance;
        }
        catch (MissingLibraryException)
        {
            // A compiler may be here all the same.
        }

        NvrtcLibrary found = Compiler(driver);
        string file = Path.IsPathRooted(found.File) ? found.File : LoadedLibraries.Find("libnvrtc.so") ?? found.File;
        return new NvrtcInfo(file, found.Version, found.Architectures);
    }

    /// <summary>The folder of compiled kernels: whether it can be written, and what is in it.</summary>
    public static KernelCacheInfo CacheInfo() => KernelCacheInfo.Of(KernelCache.FolderFor(Environment.GetEnvironmentVariable));

    internal static NvrtcLibrary Compiler(DriverApi? driver)
    {
        lock (s_lock)
        {
            return s_compiler ??= NvrtcLibrary.Find(SearchPlaces.OfProcess(), driver?.Version().Major);
        }
    }

    internal static KernelCache Cache()
    {
        lock (s_lock)
        {
            return s_cache ??= new KernelCache(KernelCache.FolderFor(Environment.GetEnvironmentVariable), text => Log?.Invoke(text));
        }
    }

    private static CudaDeviceInfo Describe(DriverApi driver, int index)
    {
        int device;
        driver.Check(driver.DeviceGet(&device, index), "cuDeviceGet");
        byte[] text = new byte[256];
        nuint free = 0;
        nuint total = 0;
        fixed (byte* p = text)
        {
            driver.Check(driver.DeviceGetName(p, text.Length, device), "cuDeviceGetName");
        }

        nint context, before;
        driver.Check(driver.CtxGetCurrent(&before), "cuCtxGetCurrent");
        driver.Check(driver.DevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
        try
        {
            driver.Check(driver.CtxSetCurrent(context), "cuCtxSetCurrent");
            driver.Check(driver.MemGetInfo(&free, &total), "cuMemGetInfo");
        }
        finally
        {
            _ = driver.CtxSetCurrent(before);
            _ = driver.DevicePrimaryCtxRelease(device);
        }

        return new CudaDeviceInfo(index, Encoding.UTF8.GetString(text.AsSpan(0, Math.Max(0, Array.IndexOf(text, (byte)0)))),
            driver.Attribute(device, DriverApi.ComputeCapabilityMajor), driver.Attribute(device, DriverApi.ComputeCapabilityMinor),
            driver.Attribute(device, DriverApi.MultiprocessorCount), driver.Attribute(device, DriverApi.MaxSharedMemoryPerBlockOptin),
            (long)free, (long)total);
    }
}

/// <summary>A CUDA device as its driver describes it.</summary>
/// <param name="Index">Its index, libtorch's too.</param>
/// <param name="Name">Its name.</param>
/// <param name="Major">Compute capability, major.</param>
/// <param name="Minor">Compute capability, minor.</param>
/// <param name="Multiprocessors">Streaming multiprocessors.</param>
/// <param name="SharedBytesPerBlock">Shared memory that a block can opt in to.</param>
/// <param name="FreeBytes">Free memory.</param>
/// <param name="TotalBytes">Memory.</param>
public sealed record CudaDeviceInfo(
    int Index, string Name, int Major, int Minor, int Multiprocessors, int SharedBytesPerBlock, long FreeBytes, long TotalBytes);

/// <summary>CUDA's run-time compiler.</summary>
/// <param name="File">The library's file.</param>
/// <param name="Version">The CUDA that it belongs to.</param>
/// <param name="Architectures">Compute capabilities that it knows, 10 major + minor.</param>
public sealed record NvrtcInfo(string File, Version Version, IReadOnlyList<int> Architectures);
