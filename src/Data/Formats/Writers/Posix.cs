using System.Runtime.InteropServices;

namespace GenoSeq.Data;

/// <summary>The system calls for durable writing that .NET does not offer, and the error numbers that it passes on.</summary>
internal static partial class Posix
{
    /// <summary>ENOSPC: no space left on device.</summary>
    internal const int NoSpace = 28;

    /// <summary>EFBIG: larger than the file system or the process's limit allows.</summary>
    internal const int TooBig = 27;

    /// <summary>EDQUOT: disk quota exceeded.</summary>
    internal const int Quota = 122;

    private const int CloseOnExec = 0x80000;

    /// <summary>Makes the names in a folder durable: a rename survives a power cut only then. Where the file system cannot,
    /// it need not.</summary>
    internal static void SyncFolder(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }
        int descriptor = Open(folder, CloseOnExec, 0);
        if (descriptor >= 0)
        {
            _ = Fsync(descriptor);
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
