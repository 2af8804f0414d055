using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;

namespace GenoSeq.Models.Tests.Cuda;

/// <summary>Where NVRTC is looked for, in which order, among which names.</summary>
public sealed class LibrarySearchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private SearchPlaces Places(string? torch = null, params (string Name, string Value)[] variables) =>
        new(name => variables.FirstOrDefault(v => v.Name == name).Value, _folder.Path, torch);

    private string[] Relative(IEnumerable<string> paths) => [.. paths.Select(p => Path.GetRelativePath(_folder.Path, p))];

    [Fact]
    public void Folders_AllPlaces_ComeInOrder()
    {
        _folder.File("usr/local/cuda-12.9/lib64/libnvrtc.so.12");
        _folder.File("usr/local/cuda-12.10/lib64/libnvrtc.so.12");
        _folder.File("usr/local/cuda-13.0/lib64/libnvrtc.so.13");
        _folder.File("site/nvidia/cu12/lib/libnvrtc.so.12");
        _folder.File("site/nvidia/cu13/lib/libnvrtc.so.13");
        _folder.File("site/nvidia/cublas/lib/libcublas.so.13");
        string torch = _folder.File("site/torch/lib/libtorch_cuda.so");
        SearchPlaces places = Places(torch, ("CUDA_HOME", _folder["home"]), ("CUDA_PATH", _folder["path"]));
        Assert.Equal(
        [
            "home/lib64", "home/targets/x86_64-linux/lib", "home/lib", "path/lib64", "path/targets/x86_64-linux/lib", "path/lib",
            "usr/local/cuda/lib64", "usr/local/cuda-13.0/lib64", "usr/local/cuda-12.10/lib64", "usr/local/cuda-12.9/lib64",
            "site/nvidia/cuda_nvrtc/lib", "site/nvidia/cu13/lib", "site/nvidia/cu12/lib", "site/torch/lib",
        ], Relative(LibrarySearch.Folders(places)));
    }

    [Fact]
    public void Folders_NothingKnown_IsTheToolkitsDefault() =>
        Assert.Equal(["usr/local/cuda/lib64"], Relative(LibrarySearch.Folders(Places())));

    [Fact]
    public void Files_MixedFolder_AreTheCompilersNewestFirst()
    {
        foreach (string name in new[]
                 {
                     "libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc-672ee683.so.11.2", "libnvrtc-builtins.so.13.0", "libnvrtc-builtins.alt.so.13.0",
                     "libnvrtc.alt.so.13", "libnvrtc_static.a", "libnvrtc.so.bak", "libcudart.so.13",
                 })
        {
            _folder.File(name);
        }

        Assert.Equal(["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc-672ee683.so.11.2"], Relative(LibrarySearch.Files(_folder.Path)));
    }

    [Fact]
    public void Files_LinksToOne_CountOnce()
    {
        _folder.File("libnvrtc.so.13.0.48");
        File.CreateSymbolicLink(_folder["libnvrtc.so.13"], "libnvrtc.so.13.0.48");
        File.CreateSymbolicLink(_folder["libnvrtc.so"], "libnvrtc.so.13");
        Assert.Single(LibrarySearch.Files(_folder.Path));
    }

    [Fact]
    public void Files_NoFolder_AreNone() => Assert.Empty(LibrarySearch.Files(_folder["nowhere"]));

    [Fact]
    public void Builtins_BesideTheLibrary_AreItsOwn()
    {
        string nvrtc = _folder.File("a/libnvrtc-672ee683.so.12");
        _folder.File("a/libnvrtc-builtins.so.12.8");
        _folder.File("a/libnvrtc-builtins.alt.so.12.8");
        _folder.File("b/libnvrtc-builtins.so.13.0");
        Assert.Equal(["a/libnvrtc-builtins.so.12.8"], Relative(LibrarySearch.Builtins(nvrtc)));
    }

    [Fact]
    public void Find_NamedFileAbsent_SaysSoAndLooksNowhereElse()
    {
        SearchPlaces places = Places(null, (LibrarySearch.Variable, _folder["mine.so"]), ("CUDA_HOME", _folder["home"]));
        MissingLibraryException e = Assert.Throws<MissingLibraryException>(() => NvrtcLibrary.Find(places));
        Assert.Contains(_folder["mine.so"], e.What, StringComparison.Ordinal);
        Assert.DoesNotContain("home", e.What, StringComparison.Ordinal);
        Assert.Contains(LibrarySearch.Variable, e.Try, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_NamedFileIsNoLibrary_SaysWhy()
    {
        File.WriteAllText(_folder["libnvrtc.so.13"], "not a library");
        SearchPlaces places = Places(null, (LibrarySearch.Variable, _folder["libnvrtc.so.13"]));
        MissingLibraryException e = Assert.Throws<MissingLibraryException>(() => NvrtcLibrary.Find(places));
        Assert.Contains("does not load", e.What, StringComparison.Ordinal);
    }
}
