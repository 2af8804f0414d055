using System.Diagnostics;

namespace GenoSeq.Torch.Tests.IO;

/// <summary>A file system of one MiB, mounted for a test; only root may do that.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private SmallDisk()
    {
    }

    public string Path => folder.Path;

    public static SmallDisk? TryMount()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root") return null;
        var disk = new SmallDisk();
        if (Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.Path)) return disk;
        disk.folder.Dispose();
        return null;
    }

    public void Dispose()
    {
        Run("umount", Path);
        folder.Dispose();
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A test that needs <see cref="SmallDisk"/>.</summary>
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> s_available = new(static () =>
    {
        using var disk = SmallDisk.TryMount();
        return disk is not null;
    });

    public SmallDiskFactAttribute()
    {
        if (!s_available.Value) Skip = "skipped: mounting a small tmpfs needs root";
    }
}
