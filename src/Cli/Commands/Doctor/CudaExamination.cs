using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;

namespace GenoSeq.Cli.Commands.Doctor;

/// <summary>Looks at what GPUs need: driver, devices, libtorch's CUDA, compiler, NCCL, the folder of compiled kernels.</summary>
internal static class CudaExamination
{
    /// <summary>One line of words about each; nothing throws.</summary>
    /// <param name="needed">True when what is not there counts as missing.</param>
    /// <param name="check">Compiles and runs a kernel on each device.</param>
    internal static IEnumerable<Finding> Run(bool needed, bool check)
    {
        Finding driver = Driver(needed, out IReadOnlyList<CudaDeviceInfo> devices);
        yield return driver;
        foreach (CudaDeviceInfo device in devices)
        {
            yield return Device(device);
        }

        if (devices.Count > 0)
        {
            yield return Libtorch(needed, devices.Count);
        }

        yield return Nvrtc(needed);
        yield return Nccl(devices.Count);
        yield return Cache();
        if (check)
        {
            if (devices.Count == 0)
            {
                yield return Finding.Lacking("check", "check", needed, "not run: there is no CUDA device", driver.Cure ?? "a machine with an NVIDIA GPU");
            }

            foreach (CudaDeviceInfo device in devices)
            {
                yield return Check(device.Index);
            }
        }
    }

    private static Finding Driver(bool needed, out IReadOnlyList<CudaDeviceInfo> devices)
    {
        const string Name = "CUDA driver";
        devices = [];
        try
        {
            Version version = CudaRuntime.DriverVersion();
            var facts = new JsonObject { ["cuda"] = version.ToString() };
            string found = $"CUDA {version}";
            try
            {
                devices = CudaRuntime.Devices();
                return devices.Count > 0 ? Finding.Good("driver", Name, found, facts)
                    : Finding.Lacking("driver", Name, needed, $"{found}, but it has no device", "set CUDA_VISIBLE_DEVICES to a device of `nvidia-smi -L`, or unset it", facts);
            }
            catch (CudaKernelException e)
            {
                return Finding.Lacking("driver", Name, needed, $"{found}, but {e.Message}", "see what `nvidia-smi` says; restart the machine if the driver was replaced under it", facts);
            }
        }
        catch (MissingLibraryException e)
        {
            return Finding.Lacking("driver", Name, needed, e.What, e.Try);
        }
    }

    private static Finding Device(CudaDeviceInfo d)
    {
        DeviceSample? now = DeviceMonitor.Open(d.Index)?.Sample();
        string found = string.Create(CultureInfo.InvariantCulture,
            $"{d.Name}, {MachineExamination.Gigabytes(d.FreeBytes)} free of {MachineExamination.Gigabytes(d.TotalBytes)}, compute capability {d.Major}.{d.Minor}, {d.Multiprocessors} multiprocessors");
        if (now is { SmClockMhz: { } sm, PowerWatts: { } watts })
        {
            found += string.Create(CultureInfo.InvariantCulture, $", now {sm} MHz, {watts:0} W");
        }

        return Finding.Good("device", string.Create(CultureInfo.InvariantCulture, $"cuda:{d.Index}"), found, new JsonObject
        {
            ["index"] = d.Index,
            ["name"] = d.Name,
            ["free_bytes"] = d.FreeBytes,
            ["total_bytes"] = d.TotalBytes,
            ["compute_capability"] = string.Create(CultureInfo.InvariantCulture, $"{d.Major}.{d.Minor}"),
            ["multiprocessors"] = d.Multiprocessors,
            ["shared_bytes_per_block"] = d.SharedBytesPerBlock,
            ["sm_clock_mhz"] = now?.SmClockMhz,
            ["memory_clock_mhz"] = now?.MemoryClockMhz,
            ["power_watts"] = now?.PowerWatts,
            ["gpu_percent"] = now?.GpuPercent,
        });
    }

    // What the driver has and libtorch does not see, no tensor gets to.
    private static Finding Libtorch(bool needed, int devices)
    {
        const string Name = "libtorch on CUDA";
        const string Cure = "make native LIBTORCH=/path/to/torch, a libtorch with CUDA for this driver (the torch folder of a Python install is one)";
        try
        {
            int seen = torch.cuda.device_count();
            var facts = new JsonObject { ["devices"] = seen };
            return seen == devices ? Finding.Good("libtorch_cuda", Name, $"sees {seen} of {devices} devices", facts)
                : Finding.Lacking("libtorch_cuda", Name, needed, torch.cuda.is_compiled()
                    ? $"sees {seen} of {devices} devices: it may be newer than the driver" : "this libtorch has no CUDA", Cure, facts);
        }
        catch (Exception e) when (MachineExamination.IsNoLibrary(e))
        {
            return Finding.Lacking("libtorch_cuda", Name, needed, "unknown without the native library", Cure);
        }
    }

    private static Finding Nvrtc(bool needed)
    {
        try
        {
            NvrtcInfo found = CudaRuntime.Nvrtc();
            return Finding.Good("nvrtc", "NVRTC", $"{found.File}, {found.Version}", new JsonObject
            {
                ["file"] = found.File,
                ["version"] = found.Version.ToString(),
                ["architectures"] = new JsonArray([.. found.Architectures.Select(a => (JsonNode?)JsonValue.Create(a))]),
            });
        }
        catch (MissingLibraryException e)
        {
            return Finding.Lacking("nvrtc", "NVRTC", needed, e.What, e.Try);
        }
    }

    private static Finding Nccl(int devices)
    {
        string cure = devices > 1 ? "build the native library against a libtorch with CUDA where nccl.h is (pip install nvidia-nccl-cu13); needed for several GPUs" : "only needed for several GPUs";
        try
        {
            if (!torch.distributed.is_nccl_available())
            {
                return Finding.Lacking("nccl", "NCCL", false, "not in the native library", cure);
            }

            string? version = torch.distributed.nccl_version()?.ToString();
            return Finding.Good("nccl", "NCCL", $"in the native library, {version ?? "unknown version"}", new JsonObject { ["version"] = version });
        }
        catch (Exception e) when (MachineExamination.IsNoLibrary(e))
        {
            return Finding.Lacking("nccl", "NCCL", false, "unknown without the native library", cure);
        }
    }

    private static Finding Cache()
    {
        KernelCacheInfo cache = CudaRuntime.CacheInfo();
        var facts = new JsonObject { ["folder"] = cache.Folder, ["writable"] = cache.Writable, ["entries"] = cache.Entries, ["bytes"] = cache.Bytes };
        string found = cache.Folder is null ? "no folder: neither GENOSEQ_CACHE, XDG_CACHE_HOME nor HOME is set"
            : string.Create(CultureInfo.InvariantCulture, $"{cache.Folder}, {(cache.Writable ? "writable" : "not writable")}, {cache.Entries} entries, {cache.Bytes} bytes");
        return cache.Writable ? Finding.Good("cache", "kernel cache", found, facts)
            : Finding.Lacking("cache", "kernel cache", false, found, "set GENOSEQ_CACHE to a folder that can be written; without one every run on a GPU compiles its kernels", facts);
    }

    private static Finding Check(int index)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"check of cuda:{index}");
        try
        {
            DeviceCheckResult result = DeviceCheck.Run(index);
            var facts = new JsonObject
            {
                ["index"] = index,
                ["compile_ms"] = result.Compiled.TotalMilliseconds,
                ["run_ms"] = result.Ran.TotalMilliseconds,
                ["worst_error"] = double.IsFinite(result.WorstError) ? result.WorstError : null,
            };
            return result.WorstError == 0
                ? Finding.Good("check", name, string.Create(CultureInfo.InvariantCulture,
                    $"a kernel was compiled or read from the cache in {result.Compiled.TotalMilliseconds:0} ms, ran, and its results are right"), facts)
                : Finding.Lacking("check", name, true, string.Create(CultureInfo.InvariantCulture, $"a kernel's results are wrong by {result.WorstError:g3}"),
                    "empty the kernel cache and try again; then suspect the device (nvidia-smi -q -d ECC)", facts);
        }
        catch (MissingLibraryException e)
        {
            return Finding.Lacking("check", name, true, e.What, e.Try);
        }
        catch (Exception e) when (e is CudaKernelException or TorchException)
        {
            return Finding.Lacking("check", name, true, e.Message, "see docs/gpu.md; `nvidia-smi` says what else runs on the device");
        }
    }
}
