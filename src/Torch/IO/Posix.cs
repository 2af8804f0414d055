using System.Runtime.InteropServices;

namespace GenoSeq.Torch.IO;

/// <summary>The few system calls for durable writing that .NET does not offer. On systems other than Linux they do
/// nothing, and the operating system's own ordering has to do.</summary>
internal static partial class Posix
{
    /// <summary>errno: no space left on device.</summary>
    public const int ENOSPC = 28;

    /// <summary>errno: file too large for the file system or the process's limit.</summary>
    public const int EFBIG = 27;

    /// <summary>errno: disk quota exceeded.</summary>
    public const int EDQUOT = 122;

    private const int EINVAL = 22;
    private const int ENOSYS = 38;
    private const int ENOTSUP = 95;
    private const int CloseOnExec = 0x80000;
    private const int CurrentFolder = -100;
    private const uint Exchange = 2;

    /// <summary>Makes the names in a folder durable: a rename survives a power cut only once the folder is synchronised.</summary>
    public static void SyncFolder(string folder)
    {
        if (!OperatingSystem.IsLinux()) return;
        var descriptor = Open(folder, CloseOnExec, 0);
        if (descriptor < 0) throw Error($"{folder}: cannot be opened for synchronising");
        try
        {
            // Some network file systems cannot synchronise folders, and then do not need it.
            if (Fsync(descriptor) != 0 && Marshal.GetLastPInvokeError() is not (EINVAL or ENOTSUP))
                throw Error($"{folder}: cannot be synchronised to the disk");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Swaps two existing names in one step.</summary>
    /// <returns>False where the kernel or the file system cannot.</returns>
    public static bool TryExchange(string first, string second)
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            if (RenameAt2(CurrentFolder, first, CurrentFolder, second, Exchange) == 0) return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }

        return Marshal.GetLastPInvokeError() is EINVAL or ENOSYS or ENOTSUP ? false
            : throw Error($"{second}: cannot be replaced by {first}");
    }

    private static IOException Error(string what)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt2(int fromFolder, string from, int toFolder, string to, uint flags);
}
