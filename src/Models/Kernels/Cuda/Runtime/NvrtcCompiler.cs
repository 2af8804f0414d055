using System.Runtime.InteropServices;
using System.Text;
using GenoSeq.Torch;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>Compiles with NVRTC.</summary>
internal sealed unsafe class NvrtcCompiler(NvrtcLibrary library) : IKernelCompiler
{
    private const int BuiltinFailure = 7;
    private const string ProgramName = "genoseq.cu";

    /// <inheritdoc/>
    public string Identity { get; } = $"NVRTC {library.Version}";

    /// <inheritdoc/>
    public byte[] Compile(CompileRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var text = new Utf8Texts([request.Source, ProgramName, .. request.Options]);
        nint program;
        Check(library.CreateProgram(&program, text.Pointers[0], text.Pointers[1], 0, null, null), "nvrtcCreateProgram");
        try
        {
            int code = library.CompileProgram(program, request.Options.Count, text.Pointers + 2);
            if (code != 0)
            {
                string log = Log(program);
                throw code == BuiltinFailure && log.Contains("libnvrtc-builtins", StringComparison.Ordinal)
                    ? new MissingLibraryException($"NVRTC ({library.File}) does not find its second library: {log}",
                        $"libnvrtc-builtins.so.{library.Version} beside it", "add that library's folder to LD_LIBRARY_PATH, or install NVRTC whole")
                    : new CompileFailedException(log.Length > 0 ? log : library.Describe(code), code);
            }

            // Text for a virtual architecture ends as PTX, which the driver compiles on.
            return request.Architecture.StartsWith("sm_", StringComparison.Ordinal)
                ? Read(program, library.GetCubinSize, library.GetCubin, "nvrtcGetCUBIN")
                : Read(program, library.GetPtxSize, library.GetPtx, "nvrtcGetPTX");
        }
        finally
        {
            _ = library.DestroyProgram(&program);
        }
    }

    private byte[] Read(nint program, delegate* unmanaged[Cdecl]<nint, nuint*, int> size, delegate* unmanaged[Cdecl]<nint, byte*, int> read, string call)
    {
        nuint bytes;
        Check(size(program, &bytes), call + "Size");
        byte[] result = new byte[checked((int)bytes)];
        fixed (byte* p = result)
        {
            Check(read(program, p), call);
        }

        return result.Length > 0 ? result : throw new CompileFailedException($"{call}: the binary is empty", 0);
    }

    private string Log(nint program)
    {
        nuint bytes;
        if (library.GetProgramLogSize(program, &bytes) != 0 || bytes <= 1)
        {
            return "";
        }

        byte[] log = new byte[checked((int)bytes)];
        fixed (byte* p = log)
        {
            return library.GetProgramLog(program, p) == 0 ? Encoding.UTF8.GetString(log).TrimEnd('\0', '\n', ' ') : "";
        }
    }

    private void Check(int code, string call)
    {
        if (code != 0)
        {
            throw new CompileFailedException($"{call}: {library.Describe(code)}", code);
        }
    }

    // Zero-ended UTF-8 copies of texts, and the array of their addresses.
    private readonly ref struct Utf8Texts : IDisposable
    {
        private readonly int _count;

        internal Utf8Texts(IReadOnlyList<string> texts)
        {
            _count = texts.Count;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)_count, (nuint)sizeof(byte*));
            for (int i = 0; i < _count; i++)
            {
                Pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
            }
        }

        internal byte** Pointers { get; }

        public void Dispose()
        {
            for (int i = 0; i < _count; i++)
            {
                Marshal.FreeCoTaskMem((nint)Pointers[i]);
            }

            NativeMemory.Free(Pointers);
        }
    }
}
