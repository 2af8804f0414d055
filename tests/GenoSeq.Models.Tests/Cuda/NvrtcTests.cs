using System.Text;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;

namespace GenoSeq.Models.Tests.Cuda;

/// <summary>NVRTC called: a stand-in everywhere, the real one where it is installed.</summary>
public sealed class NvrtcTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Every kernel file with the definitions that it is used with, in both activation types.</summary>
    public static TheoryData<string, string> Programs()
    {
        var all = new TheoryData<string, string>();
        foreach (string file in typeof(KernelProgram).Assembly.GetManifestResourceNames().Where(n => n.StartsWith("GenoSeq.Cuda.", StringComparison.Ordinal)))
        {
            all.Add(file["GenoSeq.Cuda.".Length..], "GS_F32_IO=0");
            all.Add(file["GenoSeq.Cuda.".Length..], "GS_F32_IO=1");
        }

        return all;
    }

    [NvrtcTheory]
    [MemberData(nameof(Programs))]
    public void Compile_EveryKernelFile_Succeeds(string file, string definition)
    {
        NvrtcLibrary nvrtc = NvrtcLibrary.Find(SearchPlaces.OfProcess());
        string[] files = file switch
        {
            "common.cu" => [file],
            _ when file.StartsWith("scan_", StringComparison.Ordinal) && file != "scan_args.cu" => ["common.cu", "scan_args.cu", file],
            _ => ["common.cu", file],
        };
        byte[] binary = new KernelBuilder(new NvrtcCompiler(nvrtc), new KernelCache(null), 90, nvrtc.Architectures).Build(new KernelProgram(files, definition), file);
        Assert.True(binary.AsSpan().StartsWith("\u007fELF"u8));
    }

    [ToolFact("gcc")]
    public void Find_FileInAToolkit_IsLoadedAndAsked()
    {
        FakeLibrary.Compile("fake_nvrtc.c", _folder["usr/local/cuda-12.4/lib64/libnvrtc.so.12"], "MAJOR=12");
        FakeLibrary.Compile("fake_nvrtc.c", _folder["usr/local/cuda-13.2/lib64/libnvrtc.so.13"]);
        var places = new SearchPlaces(_ => null, _folder.Path, null);
        NvrtcLibrary newest = NvrtcLibrary.Find(places);
        Assert.Equal(new Version(13, 2), newest.Version);
        Assert.Equal([75, 80, 90], newest.Architectures);
        // A driver for CUDA 12 does not load what CUDA 13 makes; a driver for CUDA 11 gets the best there is.
        Assert.Equal(_folder["usr/local/cuda-12.4/lib64/libnvrtc.so.12"], NvrtcLibrary.Find(places, newest: 12).File);
        Assert.Equal(new Version(13, 2), NvrtcLibrary.Find(places, newest: 11).Version);
    }

    [ToolFact("gcc")]
    public void Compile_Architecture_GivesBinaryOrText()
    {
        var compiler = new NvrtcCompiler(Fake());
        Assert.Equal("NVRTC 13.2", compiler.Identity);
        Assert.Equal("cubin --x -DÄ=1 4", Encoding.UTF8.GetString(compiler.Compile(new CompileRequest("text", ["--x", "-DÄ=1"], "sm_90a"))));
        Assert.Equal("ptx --x 4\0", Encoding.UTF8.GetString(compiler.Compile(new CompileRequest("text", ["--x"], "compute_80"))));
    }

    [ToolFact("gcc")]
    public void Compile_WrongText_ThrowsWithTheLog()
    {
        CompileFailedException e = Assert.Throws<CompileFailedException>(
            () => new NvrtcCompiler(Fake()).Compile(new CompileRequest("FAKE_ERROR", [], "sm_90a")));
        Assert.Equal("fake.cu(3): error: FAKE_ERROR", e.Message);
        Assert.Equal(6, e.Code);
    }

    [ToolFact("gcc")]
    public void Compile_SecondLibraryAbsent_SaysWhatToDo()
    {
        MissingLibraryException e = Assert.Throws<MissingLibraryException>(
            () => new NvrtcCompiler(Fake()).Compile(new CompileRequest("", ["FAKE_BUILTINS"], "sm_90a")));
        Assert.Contains("libnvrtc-builtins.so.13.2", e.Expected, StringComparison.Ordinal);
        Assert.Contains("LD_LIBRARY_PATH", e.Try, StringComparison.Ordinal);
    }

    private static NvrtcLibrary Fake()
    {
        string file = FakeLibrary.Build("fake_nvrtc.c", "libnvrtc.so.13");
        return NvrtcLibrary.Find(new SearchPlaces(v => v == LibrarySearch.Variable ? file : null, "/", null));
    }
}

/// <summary>A theory that needs the real NVRTC.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NvrtcTheoryAttribute : TheoryAttribute
{
    private static readonly Lazy<bool> s_found = new(() =>
    {
        try
        {
            return NvrtcLibrary.Find(SearchPlaces.OfProcess()) is not null;
        }
        catch (MissingLibraryException)
        {
            return false;
        }
    });

    public NvrtcTheoryAttribute() => Skip = s_found.Value ? null : "skipped: libnvrtc is not installed";
}
