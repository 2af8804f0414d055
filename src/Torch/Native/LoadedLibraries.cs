namespace GenoSeq.Torch;

/// <summary>Which shared libraries this process has loaded, from where: libraries that belong to them lie beside them.</summary>
public static class LoadedLibraries
{
    private const string Maps = "/proc/self/maps";

    /// <summary>The file of the loaded library whose file name begins so, or null.</summary>
    /// <param name="prefix">Such as <c>libtorch_cuda.so</c>.</param>
    public static string? Find(string prefix) => Files().FirstOrDefault(f => Path.GetFileName(f).StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Full paths of all mapped files with <c>.so</c> in their name, each once.</summary>
    public static IReadOnlyList<string> Files()
    {
        try
        {
            return Parse(File.ReadLines(Maps));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not Linux, or no /proc: nothing is known.
            return [];
        }
    }

    // address perms offset dev inode   path: the path is the rest of the line from the sixth field on, and may have blanks.
    internal static IReadOnlyList<string> Parse(IEnumerable<string> lines)
    {
        var found = new List<string>();
        foreach (string line in lines)
        {
            int slash = line.IndexOf('/', StringComparison.Ordinal);
            if (slash > 0 && line.IndexOf(".so", slash, StringComparison.Ordinal) > 0 && !found.Contains(line[slash..]))
            {
                found.Add(line[slash..]);
            }
        }

        return found;
    }
}
