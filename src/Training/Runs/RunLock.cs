using System.Globalization;
using GenoSeq.Torch.IO;

namespace GenoSeq.Training.Runs;

/// <summary>One process at a time writes to a run: a locked file, and a file that names the holder.</summary>
/// <remarks>
/// The lock is the operating system's on <c>.lock</c>, which dies with its holder; the file stays, since removing a locked file
/// would let a third process lock a new one. <c>.holder</c> (pid and the process's start time) names the holder in errors, and
/// keeps processes of one host apart on file systems without locks. It is a second file because a locked one cannot be read. A
/// holder that is gone is succeeded.
/// </remarks>
internal sealed class RunLock : IDisposable
{
    /// <summary>Name of the locked file.</summary>
    public const string LockName = ".lock";

    /// <summary>Name of the file that names the holder.</summary>
    public const string HolderName = ".holder";

    private const string Unknown = "unknown";

    private readonly FileStream _lock;
    private readonly string _holder;

    private RunLock(FileStream stream, string holder)
    {
        _lock = stream;
        _holder = holder;
    }

    /// <summary>Takes the lock of <paramref name="folder"/>.</summary>
    /// <exception cref="RunFolderException">A live process holds it.</exception>
    public static RunLock Take(string folder)
    {
        string holder = Path.Combine(folder, HolderName);
        string path = Path.Combine(folder, LockName);
        FileStream stream;
        try
        {
            stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw Held(folder, Read(holder));
        }

        try
        {
            string before = Read(holder);
            if (IsAlive(before, Environment.ProcessId))
            {
                throw Held(folder, before);
            }

            AtomicFile.WriteAllText(holder, Describe(Environment.ProcessId) + "\n");
            return new RunLock(stream, holder);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Lets others in.</summary>
    public void Dispose()
    {
        if (_lock.CanRead)
        {
            File.Delete(_holder);
            _lock.Dispose();
        }
    }

    /// <summary>True when <paramref name="holder"/> ("pid 12 started 345") is a running process other than <paramref name="self"/>.</summary>
    internal static bool IsAlive(string holder, int self)
    {
        string[] words = holder.Split(' ');
        return words.Length == 4
            && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
            && pid != self
            && words[3] != Unknown
            && Describe(pid) == holder;
    }

    /// <summary>"pid 12 started 345", the start in clock ticks since boot: a pid may be used again, the pair is not.</summary>
    internal static string Describe(int pid)
    {
        string start = Unknown;
        try
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));

            // The name, in parentheses, may hold spaces; the start time is the 20th field after it.
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            start = fields.Length > 19 && fields[0] != "Z" ? fields[19] : start;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No such process.
        }

        return string.Create(CultureInfo.InvariantCulture, $"pid {pid} started {start}");
    }

    private static string Read(string holder) => File.Exists(holder) ? File.ReadAllText(holder).Trim() : string.Empty;

    private static RunFolderException Held(string folder, string holder) => new(
        $"another process ({(holder.Length > 0 ? holder : "unknown")}) is writing to this run",
        folder,
        "a run that no process writes to",
        "waiting for it, or another --out");
}
