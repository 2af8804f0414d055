using System.Runtime.InteropServices;

namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary>Finds and loads DuckDB's shared library.</summary>
internal static class DuckDbLibrary
{
    /// <summary>Environment variable that names the library file outright.</summary>
    internal const string PathVariable = "GENOSEQ_DUCKDB";

    internal const string FileName = "libduckdb.so";

    private const string Expected = "libduckdb.so, version 1.5 or newer, which reads and writes Parquet";

    /// <summary>The loaded library.</summary>
    /// <exception cref="MissingNativeLibraryException">There is none, or it does not load.</exception>
    internal static nint Load()
    {
        string? named = Environment.GetEnvironmentVariable(PathVariable);
        var tried = new List<string>();
        foreach (string candidate in Candidates(named, AppContext.BaseDirectory))
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
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                throw new MissingNativeLibraryException(
                    $"DuckDB's library could not be loaded ({candidate}): {e.Message}", Expected,
                    $"run `make native` again, or set {PathVariable} to a libduckdb.so for this machine");
            }
        }

        if (string.IsNullOrEmpty(named) && NativeLibrary.TryLoad(FileName, out nint library))
        {
            return library;
        }

        throw new MissingNativeLibraryException(
            $"Parquet needs DuckDB's library, which is not installed (looked for {string.Join(", ", tried)})",
            Expected, $"run `make native`, or set {PathVariable} to the file");
    }

    /// <summary>Where the library may lie: the named file alone, or beside the program, or in the checkout.</summary>
    internal static IEnumerable<string> Candidates(string? named, string baseDirectory)
    {
        if (!string.IsNullOrEmpty(named))
        {
            yield return named;
            yield break;
        }

        yield return Path.Combine(baseDirectory, FileName);
        yield return Path.Combine(baseDirectory, "native", FileName);
        for (DirectoryInfo? d = new(baseDirectory); d is not null; d = d.Parent)
        {
            if (File.Exists(Path.Combine(d.FullName, "GenoSeq.sln")))
            {
                yield return Path.Combine(d.FullName, "artifacts", "native", FileName);
                yield break;
            }
        }
    }
}
