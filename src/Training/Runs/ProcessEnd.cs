using System.Runtime.InteropServices;

namespace GenoSeq.Training.Runs;

/// <summary>Ends the process at once.</summary>
internal static partial class ProcessEnd
{
    /// <summary>Ends the process, also while other threads are inside native libraries.</summary>
    /// <remarks>
    /// Environment.Exit would run destructors of native libraries while their threads are in the middle of a step, and wait for
    /// these: seconds on a busy machine, or forever in a collective whose other side is gone. Nothing needs them, since files
    /// appear whole or not at all.
    /// </remarks>
    internal static void Now(int code)
    {
        if (OperatingSystem.IsLinux())
        {
            ExitNow(code);
        }

        Environment.Exit(code);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);
}
