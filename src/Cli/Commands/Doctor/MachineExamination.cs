using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Models.Kernels;
using GenoSeq.Torch;
using GenoSeq.Training.Runs;

namespace GenoSeq.Cli.Commands.Doctor;

/// <summary>Looks at what every use of the program needs: system, processor, memory, native library, and Parquet's.</summary>
internal static class MachineExamination
{
    /// <summary>One line of words about each; nothing throws.</summary>
    /// <param name="cuda">True when the native library must have CUDA.</param>
    internal static IEnumerable<Finding> Run(bool cuda)
    {
        EnvironmentInfo machine = EnvironmentInfo.Collect(AppVersion.Text, GlobalOptions.DefaultThreads);
        yield return Finding.Good("system", "system", $"{machine.Os}, {machine.Architecture}, {machine.Runtime}, genoseq {machine.Version}", new JsonObject
        {
            ["os"] = machine.Os,
            ["architecture"] = machine.Architecture,
            ["runtime"] = machine.Runtime,
            ["version"] = machine.Version,
        });
        yield return Processor(machine);
        long? available = AvailableMemory();
        yield return Finding.Good("memory", "memory",
            available is null ? Gigabytes(machine.MemoryBytes) : $"{Gigabytes(available.Value)} available of {Gigabytes(machine.MemoryBytes)}",
            new JsonObject { ["total_bytes"] = machine.MemoryBytes, ["available_bytes"] = available });
        yield return Native(cuda);
        yield return Gloo();
        yield return DuckDb();
    }

    /// <summary>Bytes for people.</summary>
    internal static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB");

    private static Finding Processor(EnvironmentInfo machine)
    {
        var facts = new JsonObject
        {
            ["model"] = machine.CpuModel,
            ["cores"] = machine.Cores,
            ["simd"] = new JsonArray([.. machine.Simd.Select(s => (JsonNode?)JsonValue.Create(s))]),
        };
        string found = $"{machine.CpuModel}, {machine.Cores} cores, {string.Join(' ', machine.Simd)}";
        try
        {
            string path = KernelDispatch.Current.ToString().ToLowerInvariant();
            facts["kernels"] = path;
            return Finding.Good("processor", "processor", $"{found}; kernels: {path}", facts);
        }
        catch (InvalidOperationException e)
        {
            return Finding.Lacking("processor", "processor", true, $"{found}; {e.Message}", $"unset {KernelDispatch.Variable}", facts);
        }
    }

    private static Finding Native(bool cuda)
    {
        const string Name = "native library";
        try
        {
            string version = torch.__version__;
            bool compiled = torch.cuda.is_compiled();
            string file = LoadedLibraries.Find("libgenoseq_torch") ?? "unknown file";
            string libtorch = LoadedLibraries.Find("libtorch_cpu") is { } lib ? Path.GetDirectoryName(lib)! : "unknown folder";
            var facts = new JsonObject { ["file"] = file, ["libtorch"] = version, ["libtorch_folder"] = libtorch, ["cuda"] = compiled };
            string found = $"{file}, libtorch {version} of {libtorch}, {(compiled ? "with" : "without")} CUDA";
            return cuda && !compiled
                ? Finding.Lacking("native", Name, true, found, "make native LIBTORCH=/path/to/torch, a libtorch with CUDA (the torch folder of a Python install is one)", facts)
                : Finding.Good("native", Name, found, facts);
        }
        catch (MissingLibraryException e)
        {
            return Finding.Lacking("native", Name, true, e.What, e.Try);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            return Finding.Lacking("native", Name, true, e.Message, "run `make native` again: the library is of another version, or for another machine");
        }
    }

    private static Finding Gloo()
    {
        const string Cure = "Debian: apt-get install libgloo-dev, then `make native`; needed for data parallelism on CPUs";
        try
        {
            return torch.distributed.is_gloo_available()
                ? Finding.Good("gloo", "Gloo", "in the native library", [])
                : Finding.Lacking("gloo", "Gloo", false, "not in the native library", Cure);
        }
        catch (Exception e) when (IsNoLibrary(e))
        {
            return Finding.Lacking("gloo", "Gloo", false, "unknown without the native library", Cure);
        }
    }

    private static Finding DuckDb()
    {
        try
        {
            string version = ParquetLibrary.Version();
            string file = LoadedLibraries.Find("libduckdb.so") ?? "unknown file";
            return Finding.Good("duckdb", "DuckDB (Parquet)", $"{file}, {version}", new JsonObject { ["file"] = file, ["version"] = version });
        }
        catch (MissingNativeLibraryException e)
        {
            return Finding.Lacking("duckdb", "DuckDB (Parquet)", false, e.What, e.Try);
        }
    }

    /// <summary>True for what a call into the native library throws where it is not there.</summary>
    internal static bool IsNoLibrary(Exception e) =>
        e is MissingLibraryException or DllNotFoundException or BadImageFormatException or EntryPointNotFoundException;

    private static long? AvailableMemory()
    {
        try
        {
            string? line = File.ReadLines("/proc/meminfo").FirstOrDefault(l => l.StartsWith("MemAvailable:", StringComparison.Ordinal));
            return line is not null && long.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture, out long kib)
                ? kib * 1024 : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
