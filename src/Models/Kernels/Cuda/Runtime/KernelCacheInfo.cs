namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>The state of the folder of compiled kernels.</summary>
/// <param name="Folder">The folder, which may not exist yet; null: the environment names none.</param>
/// <param name="Writable">True when files can be made in it, or in the nearest folder above it that exists.</param>
/// <param name="Entries">Compiled programs in it.</param>
/// <param name="Bytes">Their size.</param>
public sealed record KernelCacheInfo(string? Folder, bool Writable, int Entries, long Bytes)
{
    internal static KernelCacheInfo Of(string? folder)
    {
        if (folder is null)
        {
            return new KernelCacheInfo(null, false, 0, 0);
        }

        FileInfo[] files;
        try
        {
            files = Directory.Exists(folder) ? new DirectoryInfo(folder).GetFiles("*" + KernelCache.Extension) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            files = [];
        }

        return new KernelCacheInfo(folder, CanWrite(folder), files.Length, files.Sum(f => f.Length));
    }

    // Tried, since permissions, read-only mounts and quotas have no common question.
    private static bool CanWrite(string folder)
    {
        string? existing = folder;
        while (existing is not null && !Directory.Exists(existing))
        {
            if (File.Exists(existing))
            {
                return false;
            }

            existing = Path.GetDirectoryName(existing);
        }

        try
        {
            string probe = Path.Combine(existing ?? "/", $".genoseq-{Guid.NewGuid():N}");
            File.WriteAllBytes(probe, [0]);
            File.Delete(probe);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
