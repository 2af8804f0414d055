using System.Runtime.InteropServices;
using GenoSeq.Torch;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>NVIDIA's run-time compiler, loaded from a file.</summary>
/// <remarks>Function pointers instead of <c>DllImport</c>: the library's place is found at run time.</remarks>
internal sealed unsafe class NvrtcLibrary
{
    internal readonly delegate* unmanaged[Cdecl]<nint*, byte*, byte*, int, byte**, byte**, int> CreateProgram;
    internal readonly delegate* unmanaged[Cdecl]<nint, int, byte**, int> CompileProgram;
    internal readonly delegate* unmanaged[Cdecl]<nint*, int> DestroyProgram;
    internal readonly delegate* unmanaged[Cdecl]<nint, nuint*, int> GetProgramLogSize;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*, int> GetProgramLog;
    internal readonly delegate* unmanaged[Cdecl]<nint, nuint*, int> GetCubinSize;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*, int> GetCubin;
    internal readonly delegate* unmanaged[Cdecl]<nint, nuint*, int> GetPtxSize;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*, int> GetPtx;
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _errorString;

    private NvrtcLibrary(nint library, string file)
    {
        File = file;
        CreateProgram = (delegate* unmanaged[Cdecl]<nint*, byte*, byte*, int, byte**, byte**, int>)NativeLibrary.GetExport(library, "nvrtcCreateProgram");
        CompileProgram = (delegate* unmanaged[Cdecl]<nint, int, byte**, int>)NativeLibrary.GetExport(library, "nvrtcCompileProgram");
        DestroyProgram = (delegate* unmanaged[Cdecl]<nint*, int>)NativeLibrary.GetExport(library, "nvrtcDestroyProgram");
        GetProgramLogSize = (delegate* unmanaged[Cdecl]<nint, nuint*, int>)NativeLibrary.GetExport(library, "nvrtcGetProgramLogSize");
        GetProgramLog = (delegate* unmanaged[Cdecl]<nint, byte*, int>)NativeLibrary.GetExport(library, "nvrtcGetProgramLog");
        GetPtxSize = (delegate* unmanaged[Cdecl]<nint, nuint*, int>)NativeLibrary.GetExport(library, "nvrtcGetPTXSize");
        GetPtx = (delegate* unmanaged[Cdecl]<nint, byte*, int>)NativeLibrary.GetExport(library, "nvrtcGetPTX");
        GetCubinSize = (delegate* unmanaged[Cdecl]<nint, nuint*, int>)NativeLibrary.GetExport(library, "nvrtcGetCUBINSize");
        GetCubin = (delegate* unmanaged[Cdecl]<nint, byte*, int>)NativeLibrary.GetExport(library, "nvrtcGetCUBIN");
        _errorString = (delegate* unmanaged[Cdecl]<int, byte*>)NativeLibrary.GetExport(library, "nvrtcGetErrorString");
        var version = (delegate* unmanaged[Cdecl]<int*, int*, int>)NativeLibrary.GetExport(library, "nvrtcVersion");
        int major, minor;
        _ = version(&major, &minor);
        Version = new Version(major, minor);
        Architectures = ReadArchitectures(library);
    }

    /// <summary>The file, or the name that the dynamic linker found.</summary>
    internal string File { get; }

    /// <summary>The version of CUDA that it belongs to.</summary>
    internal Version Version { get; }

    /// <summary>Compute capabilities that it knows, 10 major + minor, ascending; empty when it cannot say.</summary>
    internal IReadOnlyList<int> Architectures { get; }

    /// <summary>Finds the library.</summary>
    /// <param name="places">Where to look.</param>
    /// <param name="newest">The driver's major version of CUDA: binaries of a newer compiler may not load. Another one is taken only when nothing else is there. Null: any.</param>
    /// <exception cref="MissingLibraryException">There is none.</exception>
    internal static NvrtcLibrary Find(SearchPlaces places, int? newest = null)
    {
        var tried = new List<string>();
        if (LibrarySearch.Named(places) is { } named)
        {
            return Load(named, tried) ?? throw Missing(tried, $"unset {LibrarySearch.Variable}, or set it to a file libnvrtc.so.13 or libnvrtc.so.12");
        }

        NvrtcLibrary? tooNew = null;
        IEnumerable<string> candidates = LibrarySearch.Folders(places).SelectMany(folder =>
        {
            IReadOnlyList<string> files = LibrarySearch.Files(folder);
            if (files.Count == 0)
            {
                tried.Add(folder);
            }

            return files;
        });
        foreach (string candidate in candidates.Concat(LibrarySearch.Names))
        {
            if (Load(candidate, tried) is { } found)
            {
                if (newest is null || found.Version.Major <= newest)
                {
                    return found;
                }

                tooNew ??= found;
            }
        }

        return tooNew ?? throw Missing(tried,
            "install the CUDA toolkit, or `pip install nvidia-cuda-nvrtc` (CUDA 12: nvidia-cuda-nvrtc-cu12) beside torch, "
            + $"or set CUDA_HOME to a toolkit or {LibrarySearch.Variable} to the file");
    }

    /// <summary>What an error number means.</summary>
    internal string Describe(int code) => Marshal.PtrToStringUTF8((nint)_errorString(code)) ?? $"error {code}";

    private static NvrtcLibrary? Load(string candidate, List<string> tried)
    {
        try
        {
            if (Path.IsPathRooted(candidate))
            {
                foreach (string builtins in LibrarySearch.Builtins(candidate))
                {
                    _ = NativeLibrary.TryLoad(builtins, out _);
                }
            }

            return new NvrtcLibrary(NativeLibrary.Load(candidate), candidate);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            tried.Add(Path.IsPathRooted(candidate) && System.IO.File.Exists(candidate) ? $"{candidate} (it does not load: {e.Message.ReplaceLineEndings(" ")})" : candidate);
            return null;
        }
    }

    private static MissingLibraryException Missing(List<string> tried, string remedy) => new(
        $"CUDA kernels need NVRTC, CUDA's run-time compiler, which was not found (looked for {string.Join(", ", tried)})",
        "libnvrtc.so of CUDA 12 or 13", remedy);

    // Since CUDA 11.2.
    private static int[] ReadArchitectures(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "nvrtcGetNumSupportedArchs", out nint number)
            || !NativeLibrary.TryGetExport(library, "nvrtcGetSupportedArchs", out nint list))
        {
            return [];
        }

        int n;
        if (((delegate* unmanaged[Cdecl]<int*, int>)number)(&n) != 0 || n <= 0)
        {
            return [];
        }

        int[] all = new int[n];
        fixed (int* p = all)
        {
            if (((delegate* unmanaged[Cdecl]<int*, int>)list)(p) != 0)
            {
                return [];
            }
        }

        Array.Sort(all);
        return all;
    }
}
