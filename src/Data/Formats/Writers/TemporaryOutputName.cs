using System.Diagnostics;
using System.Globalization;

namespace GenoSeq.Data;

/// <summary>Names for files that are being written, beside their final names: <c>.NAME.HOST~PID~N.tmp</c>. Host and process
/// tell a running writer's work from what a dead one left.</summary>
internal static class TemporaryOutputName
{
    private const string Suffix = ".tmp";
    private static int s_counter;

    internal static string For(string target)
    {
        int count = Interlocked.Increment(ref s_counter);
        return Prefix(target) + string.Create(
            CultureInfo.InvariantCulture, $"{Environment.MachineName}~{Environment.ProcessId}~{count}{Suffix}");
    }

    /// <summary>Removes what dead processes of this host left of a target.</summary>
    internal static void RemoveStale(string target)
    {
        string prefix = Prefix(target);
        string folder = Path.GetDirectoryName(target)!;
        if (!Directory.Exists(folder))
        {
            return;
        }
        foreach (string path in Directory.EnumerateFiles(folder, ".*" + Suffix))
        {
            if (!path.StartsWith(prefix, StringComparison.Ordinal))
            {
                continue;
            }
            string[] owner = path[prefix.Length..^Suffix.Length].Split('~');
            if (owner.Length == 3 && owner[0] == Environment.MachineName
                && int.TryParse(owner[1], NumberStyles.None, CultureInfo.InvariantCulture, out int process)
                && !IsAlive(process) && !IsOpen(path))
            {
                Remove(path);
            }
        }
    }

    /// <summary>Removes a file as far as that is possible.</summary>
    internal static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whatever is being reported matters more.
        }
    }

    private static string Prefix(string target) =>
        Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.");

    // Process numbers say nothing across containers that share a folder and a host's name; a writer holds a lock as long as it lives.
    private static bool IsOpen(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static bool IsAlive(int process)
    {
        try
        {
            using Process found = Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
