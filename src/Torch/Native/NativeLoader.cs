using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Torch.Native;

/// <summary>Finds and loads the native library, once, before its first call.</summary>
internal static partial class NativeLoader
{
    /// <summary>Environment variable that names the library file outright.</summary>
    internal const string PathVariable = "GENOSEQ_NATIVE";

    private const string FileName = "libgenoseq_torch.so";

    // A module initializer is the one place that is sure to run before any P/Invoke of this assembly.
#pragma warning disable CA2255
    [ModuleInitializer]
    internal static void Register() =>
        NativeLibrary.SetDllImportResolver(typeof(NativeLoader).Assembly, Resolve);
#pragma warning restore CA2255

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != NativeMethods.Library)
        {
            return 0;
        }

        QuietOpenMp();
        NameOpenBlasCore();
        var tried = new List<string>();
        foreach (string candidate in Candidates())
        {
            if (!File.Exists(candidate))
            {
                tried.Add(candidate);
                continue;
            }

            try
            {
                return NativeLibrary.Load(candidate);
            }
            catch (DllNotFoundException e)
            {
                throw new MissingLibraryException(
                    $"GenoSeq's native library could not be loaded ({candidate}): {e.Message}",
                    "libtorch and what it needs, found by the dynamic linker",
                    "run `make native` again after installing libtorch (Debian: apt-get install libtorch-dev "
                    + "libgloo-dev libopenblas0-pthread), or `make native LIBTORCH=/path/to/libtorch` for one of your own");
            }
        }

        throw new MissingLibraryException(
            $"GenoSeq's native library is not built (looked for {string.Join(", ", tried)})",
            FileName,
            $"run `make native`, or set {PathVariable} to the file");
    }

    private static IEnumerable<string> Candidates()
    {
        string? named = Environment.GetEnvironmentVariable(PathVariable);
        if (!string.IsNullOrEmpty(named))
        {
            yield return named;
            yield break;
        }

        yield return Path.Combine(AppContext.BaseDirectory, FileName);
        for (DirectoryInfo? d = new(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            if (File.Exists(Path.Combine(d.FullName, "GenoSeq.sln")))
            {
                yield return Path.Combine(d.FullName, "artifacts", "native", FileName);
                yield break;
            }
        }
    }

    // Idle OpenMP threads spin by default and would take the cores from our own kernels between two libtorch calls.
    // The runtime reads this when it is loaded, and from the process's real environment, which .NET does not write.
    private static void QuietOpenMp()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = SetEnvironment("OMP_WAIT_POLICY", "passive", 0);
        }
    }

    // OpenBLAS runs its oldest kernels on processors that are newer than itself: Debian's does so on Intel's of 2023. What the processor can do says which kernels it may run.
    private static void NameOpenBlasCore()
    {
        const int Genu = 0x756e6547; // the vendor's name begins so
        if (OperatingSystem.IsLinux() && X86Base.IsSupported && X86Base.CpuId(0, 0).Ebx == Genu && Avx2.IsSupported)
        {
            _ = SetEnvironment("OPENBLAS_CORETYPE", Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported ? "SkylakeX" : "Haswell", 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
