using System.Text;
using System.Text.RegularExpressions;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;

namespace GenoSeq.Models.Tests.Cuda;

/// <summary>NVRTC called: a stand-in everywhere, the real one where it is installed.</summary>
public sealed partial class NvrtcTests : IDisposable
{
    private static readonly (string Prefix, string[] Files)[] s_arguments =
    [
        ("scan_backward", ["scan_backward_args.cu"]),
        ("scan_carry", ["scan_backward_args.cu"]),
        ("scan_", ["scan_fwd_args.cu", "scan_fwd_project.cu"]),
        ("conv_", ["conv_args.cu"]),
        ("ssd_", ["split_mma.cu", "tiles.cu", "ssd_args.cu", "ssd_tiles.cu"]),
        ("gla_", ["split_mma.cu", "tiles.cu", "gla_args.cu"]),
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The lists of files that the wrappers join, and each file that is in none of them behind the primitives; in both activation types.</summary>
    public static TheoryData<string, string> Programs()
    {
        string[] lists =
        [
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "Models"), "*.cs", SearchOption.AllDirectories)
                .SelectMany(f => FileList().Matches(File.ReadAllText(f)).Select(m => m.Groups[1].Value.Replace("\"", "", StringComparison.Ordinal)))
                .Select(l => string.Join(' ', l.Split(',', StringSplitOptions.TrimEntries))).Distinct(),
        ];
        IEnumerable<string> alone = typeof(KernelProgram).Assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith("GenoSeq.Cuda.", StringComparison.Ordinal)).Select(n => n["GenoSeq.Cuda.".Length..])
            .Where(n => !lists.Any(l => l.Split(' ').Contains(n))).Select(n => string.Join(' ', Behind(n).Append(n).Distinct()));
        var all = new TheoryData<string, string>();
        foreach (string files in lists.Concat(alone))
        {
            all.Add(files, "GS_F32_IO=0");
            all.Add(files, "GS_F32_IO=1");
        }

        return all;
    }

    // What stands before a file whose wrapper names it by a variable: the primitives, and its group's arguments.
    private static string[] Behind(string file) => s_arguments.FirstOrDefault(g => file.StartsWith(g.Prefix, StringComparison.Ordinal)).Files is { } arguments
        ? ["common.cu", .. arguments]
        : ["common.cu"];

    [NvrtcTheory]
    [MemberData(nameof(Programs))]
    public void Compile_EveryProgram_Succeeds(string files, string definition)
    {
        NvrtcLibrary nvrtc = NvrtcLibrary.Find(SearchPlaces.OfProcess());
        var program = new KernelProgram(files.Split(' '), definition);
        byte[] binary = new KernelBuilder(new NvrtcCompiler(nvrtc), new KernelCache(null), 90, nvrtc.Architectures).Build(program, "");
        Assert.True(binary.AsSpan().StartsWith("\u007fELF"u8));
    }

    [Fact]
    public void Programs_OfWrappers_AreFound()
    {
        Assert.Contains(Programs(), p => (string)p[0] == "common.cu doctor.cu");
        Assert.All(Programs(), p => Assert.NotEmpty(new KernelProgram(((string)p[0]).Split(' ')).Source()));
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

    [GeneratedRegex("""\[("[a-z0-9_]+\.cu"(?:,\s*"[a-z0-9_]+\.cu")*)\]""")]
    private static partial Regex FileList();
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
