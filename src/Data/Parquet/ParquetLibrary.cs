using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data;

/// <summary>The library that reads and writes Parquet.</summary>
public static class ParquetLibrary
{
    /// <summary>Loads the library, and says its version.</summary>
    /// <exception cref="MissingNativeLibraryException">There is none, or it does not load.</exception>
    public static string Version() => DuckDbApi.Instance.Version;
}
