using System.Runtime.InteropServices;

namespace GenoSeq.Data;

/// <summary>The system calls for durable writing that .NET does not offer, and the error numbers that it passes on.</summary>
internal static unsafe partial class Posix
{
    /// <summary>ENOSPC: no space left on device.</summary>
    internal const int NoSpace = 28;

    /// <summary>EFBIG: larger than the file system or the process's limit allows.</summary>
    internal const int TooBig = 27;

    /// <summary>EDQUOT: disk quota exceeded.</summary>
    internal const int Quota = 122;

    /// <summary>EINTR: a signal came before anything was written.</summary>
    internal const int Interrupted = 4;

    /// <summary>EAGAIN: a non-blocking descriptor has no room.</summary>
    internal const int TryAgain = 11;

    private const short PollOut = 4;

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

    /// <summary>Waits until a descriptor takes bytes again, or will say what is wrong with it.</summary>
    internal static void WaitForRoom(int descriptor)
    {
        var poll = new PollDescriptor { Descriptor = descriptor, Events = PollOut };
        _ = Poll(&poll, 1, -1);
    }

    /// <returns>Bytes written; negative: the error is the last one of the system.</returns>
    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(int descriptor, byte* bytes, nint count);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
