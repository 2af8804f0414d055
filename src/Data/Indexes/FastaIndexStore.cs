using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Finds the index of a FASTA or FASTQ file, or makes and keeps it: beside the file (<c>FILE.fai</c>), or where that
/// folder cannot be written in a cache folder, under a name made of the file's path, size and time of change.
/// </summary>
public static class FastaIndexStore
{
    /// <summary>The index of a file, and where it lies.</summary>
    /// <param name="Index">The index.</param>
    /// <param name="Path">The index file, or null where it could be kept nowhere.</param>
    /// <param name="Made">True if it was made now.</param>
    public readonly record struct Result(FastaIndex Index, string? Path, bool Made);

    /// <summary>Loads a fresh index, or makes one and keeps it.</summary>
    /// <param name="path">The FASTA or FASTQ file, plain or compressed.</param>
    /// <param name="dataLength">Its bytes, decompressed.</param>
    /// <param name="options">Where to keep it and whom to warn.</param>
    /// <exception cref="InputDataException">An existing index does not fit the file, or the file cannot be
    /// indexed.</exception>
    public static Result Get(string path, long dataLength, FastaIndexOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new FastaIndexOptions();
        string beside = path + ".fai";
        (long size, DateTime changed) = Facts(path);
        string cached = CachePath(path, size, changed, options.CacheFolder);
        if (!options.Rebuild)
        {
            if (File.Exists(beside))
            {
                if (Facts(beside).Changed >= changed)
                {
                    return new Result(FastaIndex.Load(beside, dataLength), beside, Made: false);
                }
                options.Warn?.Invoke($"{beside} is older than the file it indexes; it is made anew");
            }
            if (File.Exists(cached))
            {
                return new Result(FastaIndex.Load(cached, dataLength), cached, Made: false);
            }
        }
        FastaIndex index = FastaIndexBuilder.Build(path);
        return new Result(index, Keep(index, beside, cached, options.Warn), Made: true);
    }

    /// <summary>Size and time of change of a file; those of its target for a link.</summary>
    internal static (long Size, DateTime Changed) Facts(string path)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(path);
            return (RandomAccess.GetLength(handle), File.GetLastWriteTimeUtc(handle));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }

    private static string? Keep(FastaIndex index, string beside, string cached, Action<string>? warn)
    {
        try
        {
            index.Write(beside);
            return beside;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(cached)!);
                index.Write(cached);
                return cached;
            }
            catch (Exception inner) when (inner is IOException or UnauthorizedAccessException)
            {
                warn?.Invoke($"the index can be written neither to {beside} ({e.Message}) nor to {cached} ({inner.Message}); it is made anew every time");
                return null;
            }
        }
    }

    private static string CachePath(string path, long size, DateTime changed, string? folder)
    {
        string full = Path.GetFullPath(path);
        string key = string.Create(CultureInfo.InvariantCulture, $"{full}\n{size}\n{changed.Ticks}");
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16));
        return Path.Combine(folder ?? DefaultCacheFolder(), $"{Path.GetFileName(full)}.{name}.fai");
    }

    private static string DefaultCacheFolder()
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(cache) || !Path.IsPathRooted(cache))
        {
            cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        }
        return Path.Combine(cache, "genoseq", "index");
    }
}
