namespace GenoSeq.Data;

/// <summary>Tells pipes and devices, which can be opened and read once only, from files on disk.</summary>
internal static class OneTimeFile
{
    /// <summary>
    /// True for files that may be opened for a look and again for reading. A named pipe has no length, like an empty file,
    /// and its writer goes when its first reader does; bytes read from <c>/dev/fd/63</c> are gone.
    /// </summary>
    internal static bool CanReopen(string path)
    {
        if (path == InputFile.StandardInput || path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal))
        {
            return false;
        }
        var info = new FileInfo(path);
        info = info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? info;
        return info.Exists && info.Length > 0;
    }
}
