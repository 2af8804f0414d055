using System.Text.RegularExpressions;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>Where NVRTC may lie.</summary>
/// <param name="Variable">Looks an environment variable up.</param>
/// <param name="Root">Stands for <c>/</c> before <c>usr/local</c>; tests have another.</param>
/// <param name="LoadedTorch">A library of the libtorch that this process has loaded, or null.</param>
internal sealed record SearchPlaces(Func<string, string?> Variable, string Root, string? LoadedTorch)
{
    /// <summary>Those of this process.</summary>
    internal static SearchPlaces OfProcess() => new(Environment.GetEnvironmentVariable, "/",
        Torch.LoadedLibraries.Find("libtorch_cuda.so") ?? Torch.LoadedLibraries.Find("libtorch_cpu.so") ?? Torch.LoadedLibraries.Find("libtorch.so"));
}

/// <summary>Lists NVRTC's possible files, best first: named by the user, CUDA toolkits, Python wheels beside libtorch, libtorch's own folder.</summary>
internal static partial class LibrarySearch
{
    /// <summary>Environment variable that names the library file outright.</summary>
    internal const string Variable = "GENOSEQ_NVRTC";

    private static readonly EnumerationOptions s_readable = new() { IgnoreInaccessible = true };
    private static readonly string[] s_toolkit = ["lib64", "targets/x86_64-linux/lib", "lib"];

    /// <summary>The file that the user named, or null.</summary>
    internal static string? Named(SearchPlaces places) => places.Variable(Variable) is { Length: > 0 } file ? file : null;

    /// <summary>Folders to look in, in order, whether they exist or not.</summary>
    internal static IReadOnlyList<string> Folders(SearchPlaces places)
    {
        var folders = new List<string>();
        foreach (string variable in new[] { "CUDA_HOME", "CUDA_PATH" })
        {
            if (places.Variable(variable) is { Length: > 0 } home)
            {
                folders.AddRange(s_toolkit.Select(t => Path.Combine(home, t)));
            }
        }

        string local = Path.Combine(places.Root, "usr/local");
        folders.Add(Path.Combine(local, "cuda", "lib64"));
        folders.AddRange(Subfolders(local, "cuda-*").Select(d => Path.Combine(d, "lib64")));
        if (places.LoadedTorch is { } torch)
        {
            // site-packages/torch/lib/libtorch_cuda.so: the wheels' libraries are in site-packages/nvidia/NAME/lib.
            string lib = Path.GetDirectoryName(torch)!;
            string nvidia = Path.GetFullPath(Path.Combine(lib, "..", "..", "nvidia"));
            folders.Add(Path.Combine(nvidia, "cuda_nvrtc", "lib"));
            folders.AddRange(Subfolders(nvidia, "cu*").Where(d => Toolkit().IsMatch(Path.GetFileName(d))).Select(d => Path.Combine(d, "lib")));
            folders.Add(lib);
        }

        return [.. folders.Distinct()];
    }

    /// <summary>NVRTC's files in a folder, newest version first; names that are links to one file count once.</summary>
    internal static IReadOnlyList<string> Files(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        var seen = new HashSet<string>();
        return
        [
            .. Directory.EnumerateFiles(folder, "libnvrtc*", s_readable).Where(f => NvrtcName().IsMatch(Path.GetFileName(f)))
                .OrderByDescending(f => Version(Path.GetFileName(f))).ThenBy(f => f.Length).ThenBy(f => f, StringComparer.Ordinal)
                .Where(f => seen.Add(new FileInfo(f).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? f)),
        ];
    }

    /// <summary>The files of NVRTC's second library beside it. NVRTC opens it by a bare name, which the linker finds only when it is loaded already.</summary>
    internal static IReadOnlyList<string> Builtins(string nvrtc)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(nvrtc))!;
        var seen = new HashSet<string>();
        return !Directory.Exists(folder) ? [] :
        [
            .. Directory.EnumerateFiles(folder, "libnvrtc-builtins*", s_readable).Where(f => BuiltinsName().IsMatch(Path.GetFileName(f)))
                .Order(StringComparer.Ordinal).Where(f => seen.Add(new FileInfo(f).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? f)),
        ];
    }

    /// <summary>Names for the dynamic linker's own search.</summary>
    internal static IReadOnlyList<string> Names { get; } = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"];

    private static IEnumerable<string> Subfolders(string folder, string pattern) => !Directory.Exists(folder) ? [] :
        Directory.EnumerateDirectories(folder, pattern, s_readable).OrderByDescending(d => Version(Path.GetFileName(d))).ThenBy(d => d, StringComparer.Ordinal);

    // The numbers of a name as one that compares: 12.10 is above 12.9. The eight digits of a hashed name do not count.
    private static long Version(string name)
    {
        long version = 0;
        int parts = 0;
        foreach (Match m in Number().Matches(Hash().Replace(name, "")).Take(3))
        {
            version = (version * 10_000) + Math.Min(long.Parse(m.ValueSpan, System.Globalization.CultureInfo.InvariantCulture), 9_999);
            parts++;
        }

        for (; parts < 3; parts++)
        {
            version *= 10_000;
        }

        return version;
    }

    [GeneratedRegex(@"^libnvrtc(-[0-9a-f]{8})?\.so(\.[0-9]+)*$")]
    private static partial Regex NvrtcName();

    [GeneratedRegex(@"^libnvrtc-builtins(-[0-9a-f]{8})?\.so(\.[0-9]+)*$")]
    private static partial Regex BuiltinsName();

    [GeneratedRegex(@"^cu[0-9]+$")]
    private static partial Regex Toolkit();

    [GeneratedRegex(@"-[0-9a-f]{8}(?=\.so)")]
    private static partial Regex Hash();

    [GeneratedRegex("[0-9]{1,9}")]
    private static partial Regex Number();
}
