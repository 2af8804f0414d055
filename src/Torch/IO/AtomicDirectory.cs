namespace GenoSeq.Torch.IO;

/// <summary>A folder that appears under its name whole or not at all, for checkpoints of several files: it is filled under
/// a temporary name beside the final one, every file and folder in it is synchronised to the disk, and then it is
/// renamed. An existing folder is exchanged with the new one in one step where the file system can (ext4, xfs, btrfs,
/// tmpfs); elsewhere in two, and <see cref="Recover"/> repairs a crash between them.</summary>
public sealed class AtomicDirectory : IDisposable
{
    private bool done;

    private AtomicDirectory(string finalPath)
    {
        FinalPath = TemporaryName.Resolve(finalPath);
        Recover(finalPath);
        Path = TemporaryName.For(FinalPath);
        Directory.CreateDirectory(Path);
    }

    /// <summary>The folder to fill; it ceases to exist with <see cref="Commit"/> or <see cref="Dispose"/>.</summary>
    public string Path { get; }

    /// <summary>The name that the folder will have.</summary>
    public string FinalPath { get; }

    /// <summary>Starts a folder. What dead processes left half-written under the same name is removed.</summary>
    /// <param name="finalPath">The folder's final name; may exist, and is then replaced by <see cref="Commit"/>.</param>
    public static AtomicDirectory Create(string finalPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(finalPath);
        return new AtomicDirectory(finalPath);
    }

    /// <summary>Fills a folder with a callback and commits it; when the callback throws, nothing changes.</summary>
    public static void Write(string finalPath, Action<string> fill)
    {
        using var directory = Create(finalPath);
        fill(directory.Path);
        directory.Commit();
    }

    /// <summary>Finishes or undoes what a dead process of this host left of replacing a folder: a folder that was moved
    /// aside, and whose successor never came, gets its name back; half-written folders are removed. Call it before
    /// looking for checkpoints.</summary>
    public static void Recover(string finalPath)
    {
        var target = TemporaryName.Resolve(finalPath);
        foreach (var former in TemporaryName.Stale(target, TemporaryName.Former))
        {
            if (Directory.Exists(target)) TemporaryName.Remove(former);
            else Directory.Move(former, target);
        }

        TemporaryName.RemoveStale(target);
    }

    /// <summary>Gives the folder its final name, durably.</summary>
    public void Commit() => CommitBy(mayExchange: true);

    /// <summary>Removes the folder when it was not committed.</summary>
    public void Dispose()
    {
        if (done) return;
        done = true;
        TemporaryName.Remove(Path);
    }

    internal void CommitBy(bool mayExchange)
    {
        ObjectDisposedException.ThrowIf(done, this);
        SyncTree(Path);
        if (File.Exists(FinalPath))
        {
            throw new IOException(
                $"{FinalPath}: a file has the name that the folder should get; expected a folder or nothing; try another name");
        }

        string? former = null;
        if (!Directory.Exists(FinalPath)) Directory.Move(Path, FinalPath);
        else if (mayExchange && Posix.TryExchange(Path, FinalPath)) former = Path;
        else former = ReplaceInTwoSteps();
        done = true;

        // The new names must be on the disk before the former content goes.
        Posix.SyncFolder(System.IO.Path.GetDirectoryName(FinalPath)!);
        if (former is not null) TemporaryName.Remove(former);
    }

    private string ReplaceInTwoSteps()
    {
        var former = TemporaryName.For(FinalPath, TemporaryName.Former);
        Directory.Move(FinalPath, former);
        try
        {
            Directory.Move(Path, FinalPath);
        }
        catch
        {
            Directory.Move(former, FinalPath);
            throw;
        }

        return former;
    }

    private static void SyncTree(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(handle);
        }

        foreach (var inner in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories))
            Posix.SyncFolder(inner);
        Posix.SyncFolder(folder);
    }
}
