using System.Globalization;
using System.Text.RegularExpressions;

namespace GenoSeq.Torch.IO;

/// <summary>Names for what is being written, beside its final name: <c>.NAME.HOST~PID~START~N.tmp</c>. Host, process and the
/// process's start time tell a running writer's work from the remains of a dead one, also after the number of a
/// process was given out again.</summary>
internal static partial class TemporaryName
{
    /// <summary>Ends a name that is being written.</summary>
    public const string Temporary = ".tmp";

    /// <summary>Ends the name under which the former content waits while a folder is replaced.</summary>
    public const string Former = ".old";

    private static int s_counter;

    /// <summary>A fresh name in the folder of <paramref name="finalPath"/>.</summary>
    public static string For(string finalPath, string suffix = Temporary)
    {
        var (folder, name) = Split(finalPath);
        var count = Interlocked.Increment(ref s_counter);
        var process = Environment.ProcessId;
        var owner = string.Create(CultureInfo.InvariantCulture,
            $"{Environment.MachineName}~{process}~{StartTime(process) ?? 0}~{count}");
        return Path.Combine(folder, $".{name}.{owner}{suffix}");
    }

    /// <summary>What dead processes of this host left for <paramref name="finalPath"/>, with the given suffix.</summary>
    public static IEnumerable<string> Stale(string finalPath, string suffix)
    {
        var (folder, name) = Split(finalPath);
        if (!Directory.Exists(folder)) yield break;
        var prefix = $".{name}.";
        foreach (var path in Directory.GetFileSystemEntries(folder, ".*" + suffix))
        {
            var entry = Path.GetFileName(path);
            if (entry.StartsWith(prefix, StringComparison.Ordinal) &&
                Owner().Match(entry[prefix.Length..^suffix.Length]) is { Success: true } owner &&
                owner.Groups["host"].Value == Environment.MachineName && !IsAlive(owner))
            {
                yield return path;
            }
        }
    }

    /// <summary>Removes what dead processes of this host left half-written for <paramref name="finalPath"/>.</summary>
    public static void RemoveStale(string finalPath)
    {
        foreach (var path in Stale(finalPath, Temporary)) Remove(path);
    }

    /// <summary>Removes a file or a whole folder, if it is there and as far as that is possible: what stays is found again
    /// by the next writer, and is no reason to fail a write that succeeded.</summary>
    public static void Remove(string path)
    {
        try
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
            else File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Another process removed it first, or it belongs to another user.
        }
    }

    /// <summary>The path behind a symbolic link, or the path itself: replacing the link would leave its target stale.</summary>
    public static string Resolve(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var info = new FileInfo(full);
        return info.LinkTarget is null ? full : info.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
    }

    private static (string Folder, string Name) Split(string finalPath) =>
        (Path.GetDirectoryName(finalPath) ?? "/", Path.GetFileName(finalPath));

    private static bool IsAlive(Match owner) =>
        // Without /proc nothing is known about other processes, so nothing is touched.
        !Directory.Exists("/proc/self") ||
        (int.TryParse(owner.Groups["process"].Value, CultureInfo.InvariantCulture, out var process) &&
            StartTime(process) is { } start &&
            start.ToString(CultureInfo.InvariantCulture) == owner.Groups["start"].Value);

    /// <summary>When a process started, in clock ticks since boot; null when there is no such process.</summary>
    private static long? StartTime(int process)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
            // The second field, the program's name in parentheses, may itself hold spaces and parentheses.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }

    [GeneratedRegex("^(?<host>.*)~(?<process>[0-9]+)~(?<start>[0-9]+)~[0-9]+$", RegexOptions.CultureInvariant)]
    private static partial Regex Owner();
}
