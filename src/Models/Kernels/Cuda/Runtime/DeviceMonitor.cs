using System.Runtime.InteropServices;
using System.Text;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>Clocks, power and utilisation of one GPU, from NVIDIA's management library where it is installed.</summary>
public sealed unsafe class DeviceMonitor
{
    private const int ClockSm = 1;
    private const int ClockMemory = 2;

    private readonly nint _device;
    private readonly delegate* unmanaged[Cdecl]<nint, int, uint*, int> _clock;
    private readonly delegate* unmanaged[Cdecl]<nint, uint*, int> _power;
    private readonly delegate* unmanaged[Cdecl]<nint, uint*, int> _utilization;

    private DeviceMonitor(nint library, string busId)
    {
        var init = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "nvmlInit_v2");
        var find = (delegate* unmanaged[Cdecl]<byte*, nint*, int>)NativeLibrary.GetExport(library, "nvmlDeviceGetHandleByPciBusId_v2");
        _clock = (delegate* unmanaged[Cdecl]<nint, int, uint*, int>)NativeLibrary.GetExport(library, "nvmlDeviceGetClockInfo");
        _power = (delegate* unmanaged[Cdecl]<nint, uint*, int>)NativeLibrary.GetExport(library, "nvmlDeviceGetPowerUsage");
        _utilization = (delegate* unmanaged[Cdecl]<nint, uint*, int>)NativeLibrary.GetExport(library, "nvmlDeviceGetUtilizationRates");
        nint device = 0;
        fixed (byte* bus = Encoding.UTF8.GetBytes(busId + "\0"))
        {
            Usable = init() == 0 && find(bus, &device) == 0;
        }

        _device = device;
    }

    private bool Usable { get; }

    /// <summary>Opens the monitor of a CUDA device, or null where there is no device or no management library.</summary>
    /// <param name="device">The device's index, libtorch's. Devices are matched by their bus, since the library knows nothing of <c>CUDA_VISIBLE_DEVICES</c>.</param>
    public static DeviceMonitor? Open(int device = 0)
    {
        try
        {
            DriverApi driver = DriverApi.Instance;
            int handle;
            byte* bus = stackalloc byte[64];
            return driver.InitStatus == 0 && driver.DeviceGet(&handle, device) == 0 && driver.DeviceGetPciBusId(bus, 64, handle) == 0
                ? Open("libnvidia-ml.so.1", Marshal.PtrToStringUTF8((nint)bus)!) : null;
        }
        catch (Torch.MissingLibraryException)
        {
            return null;
        }
    }

    internal static DeviceMonitor? Open(string library, string busId)
    {
        if (!NativeLibrary.TryLoad(library, out nint loaded))
        {
            return null;
        }

        try
        {
            var monitor = new DeviceMonitor(loaded, busId);
            return monitor.Usable ? monitor : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The state now; what the device does not tell is null. Takes some microseconds and does not wait for the device.</summary>
    public DeviceSample Sample()
    {
        uint sm, memory, milliwatts;
        uint* rates = stackalloc uint[2];
        int? gpu = null, busy = null;
        if (_utilization(_device, rates) == 0)
        {
            (gpu, busy) = ((int)rates[0], (int)rates[1]);
        }

        return new DeviceSample(
            _clock(_device, ClockSm, &sm) == 0 ? (int)sm : null,
            _clock(_device, ClockMemory, &memory) == 0 ? (int)memory : null,
            _power(_device, &milliwatts) == 0 ? milliwatts / 1000.0 : null, gpu, busy);
    }
}

/// <summary>What a GPU did at one moment.</summary>
/// <param name="SmClockMhz">Clock of the multiprocessors, MHz.</param>
/// <param name="MemoryClockMhz">Clock of the memory, MHz.</param>
/// <param name="PowerWatts">Power, W.</param>
/// <param name="GpuPercent">Share of the last sampling period in which a kernel ran, %.</param>
/// <param name="MemoryPercent">Share of it in which memory was read or written, %.</param>
public readonly record struct DeviceSample(int? SmClockMhz, int? MemoryClockMhz, double? PowerWatts, int? GpuPercent, int? MemoryPercent);
