namespace GenoSeq.Torch.IO;

/// <summary>Writes files so that their name always stands for a whole file: the bytes go to a temporary name in the same
/// folder, are synchronised to the disk, and are then renamed over the target. Whatever goes wrong, even a power cut,
/// the target is either the old file or the new one.</summary>
public static class AtomicFile
{
    private const int BufferSize = 1 << 16;
    private const int PlainIOError = unchecked((int)0x80131620);

    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; replaced when it exists, keeping its permissions. A symbolic link is followed.</param>
    /// <param name="write">Writes the content. When it throws, the old file stays and nothing else is left.</param>
    /// <param name="length">Bytes to come, if known: the disk's space is then claimed before the writing starts.</param>
    /// <exception cref="IOException">The file could not be written; the message names the file and the bytes wanted when
    /// the disk is full.</exception>
    public static void Write(string path, Action<Stream> write, long? length = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var target = TemporaryName.Resolve(path);
        TemporaryName.RemoveStale(target);
        var temporary = TemporaryName.For(target);
        var opened = false;
        long written = 0;
        try
        {
            using (var stream = new FileStream(temporary, Options(target, length)))
            {
                opened = true;
                try
                {
                    write(stream);
                    stream.Flush(flushToDisk: true);
                }
                finally
                {
                    written = stream.Position;
                }
            }

            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception error)
        {
            TemporaryName.Remove(temporary);
            if (error is IOException io && IsFull(io, opened)) throw Full(path, target, length, written, io);
            throw;
        }

        Posix.SyncFolder(Path.GetDirectoryName(target)!);
    }

    /// <summary>Writes a file from bytes in memory.</summary>
    public static void WriteAllBytes(string path, ReadOnlyMemory<byte> bytes) =>
        Write(path, stream => stream.Write(bytes.Span), bytes.Length);

    /// <summary>Writes a file from text, in UTF-8 without a byte order mark.</summary>
    public static void WriteAllText(string path, string text) =>
        WriteAllBytes(path, System.Text.Encoding.UTF8.GetBytes(text));

    private static FileStreamOptions Options(string target, long? length)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = BufferSize,
            PreallocationSize = length ?? 0,
        };
        if (!OperatingSystem.IsWindows() && File.Exists(target)) options.UnixCreateMode = File.GetUnixFileMode(target);
        return options;
    }

    // .NET reports a failed write with the raw errno. A failed claim of space is the one plain IOException, without a
    // code of its own, that opening a file with a preallocation size can end in.
    private static bool IsFull(IOException error, bool opened) =>
        error.HResult is Posix.ENOSPC or Posix.EDQUOT or Posix.EFBIG ||
        (!opened && error.GetType() == typeof(IOException) && error.HResult == PlainIOError);

    private static IOException Full(string path, string target, long? length, long written, IOException error)
    {
        var wanted = length is { } bytes ? $"{bytes} bytes were wanted" : $"more than {written} bytes were wanted";
        var folder = Path.GetDirectoryName(target)!;
        var free = "";
        try
        {
            free = $", {new DriveInfo(folder).AvailableFreeSpace} are free";
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // The message does without.
        }

        return new IOException(
            $"{path}: the disk is full: {wanted}{free}; the former file, if any, is unchanged; " +
            $"expected enough space in {folder}; try to free some, or another folder", error);
    }
}
