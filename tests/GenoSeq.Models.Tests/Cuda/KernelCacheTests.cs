using System.Diagnostics;
using System.Text;
using GenoSeq.Models.Kernels.Cuda.Runtime;

namespace GenoSeq.Models.Tests.Cuda;

/// <summary>Compiled kernels on disk: kept, checked, shared, and done without.</summary>
public sealed class KernelCacheTests : IDisposable
{
    private static readonly CompileRequest s_request = new("text", ["--gpu-architecture=sm_90a", "-DA=1"], "sm_90a");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Only => Assert.Single(Directory.GetFiles(_folder.Path));

    [Fact]
    public void Key_AnyIngredientChanged_IsAnother()
    {
        const string Compiler = "NVRTC 13.0";
        string[] keys =
        [
            KernelCache.Key(s_request, Compiler),
            KernelCache.Key(s_request, "NVRTC 12.8"),
            KernelCache.Key(s_request with { Source = "text " }, Compiler),
            KernelCache.Key(s_request with { Architecture = "sm_100" }, Compiler),
            KernelCache.Key(s_request with { Options = ["--gpu-architecture=sm_90a", "-DA=2"] }, Compiler),
            KernelCache.Key(s_request with { Options = ["-DA=1", "--gpu-architecture=sm_90a"] }, Compiler),
            // The same bytes with other borders.
            KernelCache.Key(s_request with { Options = ["--gpu-architecture=sm_90a-DA=1"] }, Compiler),
            KernelCache.Key(s_request with { Source = "text--gpu", Options = ["-architecture=sm_90a", "-DA=1"] }, Compiler),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public void Key_SameIngredients_IsTheSame() => Assert.Equal(
        KernelCache.Key(s_request, "c"), KernelCache.Key(new CompileRequest("text", [.. s_request.Options], "sm_90a"), "c"));

    [Fact]
    public void Get_SecondTime_ReadsWhatTheFirstCompiled()
    {
        var compiler = new FakeCompiler();
        byte[] first = new KernelCache(_folder.Path).Get(s_request, compiler);
        byte[] second = new KernelCache(_folder.Path).Get(s_request, compiler);
        Assert.Equal(first, second);
        Assert.Equal(1, compiler.Calls);
        Assert.Equal(KernelCache.Key(s_request, compiler.Identity) + KernelCache.Extension, Path.GetFileName(Only));
    }

    [Fact]
    public void Get_OtherCompiler_CompilesAnew()
    {
        new KernelCache(_folder.Path).Get(s_request, new FakeCompiler());
        var other = new FakeCompiler("other");
        new KernelCache(_folder.Path).Get(s_request, other);
        Assert.Equal(1, other.Calls);
        Assert.Equal(2, Directory.GetFiles(_folder.Path).Length);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("truncated")]
    [InlineData("header alone")]
    [InlineData("longer")]
    [InlineData("bit flipped")]
    [InlineData("magic")]
    [InlineData("foreign")]
    [InlineData("another's name")]
    public void Get_DamagedFile_CompilesAnewAndReplacesIt(string damage)
    {
        var compiler = new FakeCompiler();
        byte[] right = new KernelCache(_folder.Path).Get(s_request, compiler);
        byte[] whole = File.ReadAllBytes(Only);
        byte[] bad = [.. whole];
        switch (damage)
        {
            case "empty": bad = []; break;
            case "truncated": bad = whole[..^1]; break;
            case "header alone": bad = whole[..80]; break;
            case "longer": bad = [.. whole, 0]; break;
            case "bit flipped": bad[^1] ^= 1; break;
            case "magic": bad[7] ^= 1; break;
            case "foreign": bad = "ELF of somebody else, long enough to have a header and more than that in it, and so on and so on"u8.ToArray(); break;
            default:
                using (var elsewhere = new TemporaryFolder())
                {
                    new KernelCache(elsewhere.Path).Get(s_request with { Source = "another" }, compiler);
                    bad = File.ReadAllBytes(Directory.GetFiles(elsewhere.Path)[0]);
                }

                break;
        }

        File.WriteAllBytes(Only, bad);
        int before = compiler.Calls;
        Assert.Equal(right, new KernelCache(_folder.Path).Get(s_request, compiler));
        Assert.Equal(before + 1, compiler.Calls);
        Assert.Equal(whole, File.ReadAllBytes(Only));
    }

    [Fact]
    public void Get_FolderCannotBeMade_CompilesAndSaysSoOnce()
    {
        File.WriteAllText(_folder["file"], "");
        var notes = new List<string>();
        var compiler = new FakeCompiler();
        var cache = new KernelCache(_folder["file/below"], notes.Add);
        Assert.NotEmpty(cache.Get(s_request, compiler));
        Assert.NotEmpty(cache.Get(s_request with { Source = "b" }, compiler));
        Assert.Contains(KernelCache.Variable, Assert.Single(notes), StringComparison.Ordinal);
        Assert.Equal(2, compiler.Calls);
    }

    [Fact]
    public void Get_DiskFull_CompilesAndSaysSoOnce()
    {
        var notes = new List<string>();
        var cache = new KernelCache(_folder.Path, notes.Add, (_, content) =>
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write);
            content(full);
            full.Flush();
        });
        Assert.Equal(new FakeCompiler().Compile(s_request), cache.Get(s_request, new FakeCompiler()));
        cache.Get(s_request with { Source = "b" }, new FakeCompiler());
        Assert.Single(notes);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Get_NoFolder_Compiles() => Assert.NotEmpty(new KernelCache(null).Get(s_request, new FakeCompiler()));

    [Fact]
    public void Get_CompilerFails_KeepsNothing()
    {
        Assert.Throws<CompileFailedException>(() => new KernelCache(_folder.Path).Get(s_request with { Source = "#error" }, new FakeCompiler()));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Get_ManyThreads_CompileEachOnce()
    {
        var compiler = new FakeCompiler(delay: TimeSpan.FromMilliseconds(5));
        var cache = new KernelCache(_folder.Path);
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            CompileRequest request = s_request with { Source = $"text {i % 4}" };
            Assert.Equal(compiler.Expected(request), cache.Get(request, compiler));
        });
        Assert.Equal(4, compiler.Calls);
        Assert.Equal(4, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public void Get_TwoProcesses_BothHaveRightBinaries()
    {
        Process[] processes = [.. Enumerable.Range(0, 2).Select(_ => Start())];
        foreach (Process p in processes)
        {
            string output = p.StandardOutput.ReadToEnd();
            p.WaitForExit();
            Assert.True(p.ExitCode == 0 && output.Trim() == "right", output);
            p.Dispose();
        }

        // Nothing half-written stays.
        Assert.All(Directory.GetFileSystemEntries(_folder.Path), f => Assert.EndsWith(KernelCache.Extension, f, StringComparison.Ordinal));

        Process Start()
        {
            var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "GenoSeq.Models.Probe.dll"));
            start.ArgumentList.Add("kernel-cache");
            start.ArgumentList.Add(_folder.Path);
            return Process.Start(start)!;
        }
    }

    [Theory]
    [InlineData("/c", "/x", "/h", "/c")]
    [InlineData("", "/x", "/h", "/x/genoseq/kernels")]
    [InlineData("", "relative", "/h", "/h/.cache/genoseq/kernels")]
    [InlineData("", "", "/h", "/h/.cache/genoseq/kernels")]
    [InlineData("", "", "", null)]
    public void FolderFor_Environment_IsInOrder(string own, string xdg, string home, string? expected) => Assert.Equal(expected, KernelCache.FolderFor(
        name => name switch { "GENOSEQ_CACHE" => own, "XDG_CACHE_HOME" => xdg, "HOME" => home, _ => null }));

    [Fact]
    public void Info_Folder_CountsItsEntries()
    {
        KernelCacheInfo empty = KernelCacheInfo.Of(_folder["new/folder"]);
        Assert.True(empty is { Writable: true, Entries: 0, Bytes: 0 });
        Assert.False(Directory.Exists(_folder["new"]));
        new KernelCache(_folder["new/folder"]).Get(s_request, new FakeCompiler());
        Assert.True(KernelCacheInfo.Of(_folder["new/folder"]) is { Writable: true, Entries: 1, Bytes: > 80 });
        Assert.False(KernelCacheInfo.Of(_folder.File("file")) is { Writable: true });
        Assert.False(KernelCacheInfo.Of(null).Writable);
    }
}

/// <summary>A compiler whose binaries say what was compiled.</summary>
internal sealed class FakeCompiler(string identity = "fake", TimeSpan delay = default) : IKernelCompiler
{
    private int _calls;

    public string Identity => identity;

    internal int Calls => _calls;

    internal byte[] Expected(CompileRequest request) =>
        Encoding.UTF8.GetBytes($"{identity}|{request.Architecture}|{string.Join(' ', request.Options)}|{request.Source}");

    public byte[] Compile(CompileRequest request)
    {
        Interlocked.Increment(ref _calls);
        Thread.Sleep(delay);
        return request.Source.Contains("#error", StringComparison.Ordinal)
            ? throw new CompileFailedException("common.cu(3): error: #error directive", 6) : Expected(request);
    }
}
