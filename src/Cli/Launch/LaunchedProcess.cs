using System.Globalization;
using System.Runtime.InteropServices;

namespace GenoSeq.Cli.Launch;

/// <summary>What a process does at its start when <c>genoseq launch</c> started it.</summary>
internal static partial class LaunchedProcess
{
    /// <summary>Names the launcher's process.</summary>
    internal const string LauncherVariable = "GENOSEQ_LAUNCHER";

    /// <summary>Columns of the launcher's terminal, to which it passes a redrawn line on.</summary>
    internal const string ColumnsVariable = "GENOSEQ_COLUMNS";

    private const int DeathSignal = 1; // PR_SET_PDEATHSIG
    private const int Kill = 9;

    /// <summary>
    /// Ties this process to its launcher: it dies with it, whatever ends that, and Ctrl-C at the terminal goes to the launcher
    /// alone, which passes it on once.
    /// </summary>
    internal static void Attach()
    {
        if (!OperatingSystem.IsLinux()
            || !int.TryParse(Environment.GetEnvironmentVariable(LauncherVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int launcher))
        {
            return;
        }

        // Not for children of this process, whose parent is another.
        Environment.SetEnvironmentVariable(LauncherVariable, null);
        _ = SetGroup(0, 0);
        _ = Control(DeathSignal, Kill, 0, 0, 0);

        // Asked afterwards, since the launcher may have died in between.
        if (Parent() != launcher)
        {
            ExitNow(137);
        }
    }

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", EntryPoint = "setpgid")]
    private static partial int SetGroup(int process, int group);

    [LibraryImport("libc", EntryPoint = "getppid")]
    private static partial int Parent();

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);
}
