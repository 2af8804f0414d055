using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data;

/// <summary>Bytes that can be read at any offset, from many threads at once.</summary>
internal abstract class RandomBytes : IDisposable
{
    /// <summary>Bytes in all.</summary>
    internal abstract long Length { get; }

    public abstract void Dispose();

    /// <summary>Fills the destination with the bytes at an offset; the range must lie inside.</summary>
    internal abstract void Read(long offset, Span<byte> destination);
}

/// <summary>A file read with positional reads.</summary>
/// <remarks>
/// Not a memory map: when a mapped file is truncated, touching the lost pages kills the process with SIGBUS, which no
/// managed code can catch; a positional read comes back short, and that is reported. Figures are in docs/data/genomes.md.
/// </remarks>
internal sealed class FileBytes : RandomBytes
{
    private readonly SafeFileHandle _handle;
    private readonly string _path;

    internal FileBytes(string path)
    {
        _path = path;
        if (Directory.Exists(path))
        {
            throw new InputDataException(
                "a folder was given where a file is needed", path, "a file", "name the files inside it");
        }
        try
        {
            _handle = File.OpenHandle(path, options: FileOptions.RandomAccess);
            Length = RandomAccess.GetLength(_handle);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputDataException(
                "file not found", path, "an existing file", "check the path; relative paths start at the current folder", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }

    internal override long Length { get; }

    public override void Dispose() => _handle.Dispose();

    internal override void Read(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int n;
            try
            {
                n = RandomAccess.Read(_handle, destination, offset);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InputDataException($"the file cannot be read at byte {offset}: {e.Message}", _path, "a readable file", inner: e);
            }
            if (n == 0)
            {
                throw new InputDataException(
                    $"the file ends at or before byte {offset}; it had {Length} bytes when it was opened", _path,
                    "a file that does not change while it is in use", "start again once the file is whole");
            }
            offset += n;
            destination = destination[n..];
        }
    }
}
