using System.Collections.Concurrent;
using System.Diagnostics;

namespace GenoSeq.Models.Tests.Cuda;

/// <summary>Stand-ins for CUDA's libraries, compiled by gcc, so that the calls into them are real ones.</summary>
internal static class FakeLibrary
{
    private static readonly string s_folder = Directory.CreateTempSubdirectory("genoseq-fake-").FullName;
    private static readonly ConcurrentDictionary<string, Lazy<string>> s_built = new();

    static FakeLibrary() => AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(s_folder, recursive: true);

    /// <summary>The compiled file, made once for each name.</summary>
    internal static string Build(string source, string name, params string[] definitions) =>
        s_built.GetOrAdd(name, n => new Lazy<string>(() => Compile(source, Path.Combine(s_folder, n), definitions))).Value;

    /// <summary>Compiles into a file of the caller's.</summary>
    internal static string Compile(string source, string file, params string[] definitions)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        string text = Path.Combine(Repository.Root, "tests", "GenoSeq.Models.Tests", "Cuda", source);
        using Process gcc = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-w", "-O1", .. definitions.Select(d => "-D" + d), "-o", file, text])
        {
            RedirectStandardError = true,
        })!;
        string error = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        Assert.True(gcc.ExitCode == 0, error);
        return file;
    }
}
