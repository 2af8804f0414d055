using GenoSeq.Data;
using GenoSeq.Torch;
using Microsoft.Win32.SafeHandles;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Streaming;

/// <summary>Fixed-size blocks in a file without a name, which is gone with the process.</summary>
internal sealed unsafe class SpillFile : IDisposable
{
    private const long Piece = 1 << 30;
    private readonly SafeFileHandle _file;
    private readonly string _folder;
    private readonly long _block;

    /// <summary>Makes the file.</summary>
    /// <param name="folder">Where; null for the system's folder of temporary files.</param>
    /// <param name="blockBytes">Bytes of a block.</param>
    /// <param name="blocks">Number of blocks.</param>
    /// <exception cref="OutputException">The folder has no room for it, or no file can be made there.</exception>
    internal SpillFile(string? folder, long blockBytes, int blocks)
    {
        _folder = folder ?? Path.GetTempPath();
        _block = blockBytes;
        string path = Path.Combine(_folder, $"genoseq-{Environment.ProcessId}-{Guid.NewGuid():N}.tmp");
        long need = blockBytes * blocks;
        try
        {
            Directory.CreateDirectory(_folder);
            long room = new DriveInfo(Path.GetFullPath(_folder)).AvailableFreeSpace;
            if (room < need)
            {
                throw new OutputException(OutputProblem.DiskFull, $"the sequence does not fit into memory, and of the {need / 1e9:0.0} GB between its layers the disk has room for {room / 1e9:0.0}",
                    _folder, "a folder with that much room", "--scratch FOLDER on a larger disk, a larger --memory-limit, or --window");
            }

            _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            File.Delete(path);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not OutputException))
        {
            throw new OutputException(OutputProblem.Failed, $"no file can be made for what memory does not hold: {e.Message}", _folder, "a folder to write to", "--scratch FOLDER", e);
        }
    }

    /// <summary>Reads a block into a contiguous tensor of the host.</summary>
    internal void Read(int block, Tensor into)
    {
        byte* data = (byte*)into.data_ptr();
        long bytes = into.numel() * into.dtype.ElementSize();
        for (long done = 0; done < bytes;)
        {
            int read = RandomAccess.Read(_file, new Span<byte>(data + done, (int)Math.Min(Piece, bytes - done)), (block * _block) + done);
            done += read > 0 ? read : throw new IOException($"{_folder}: a temporary file ended too soon; expected all that was written; try another --scratch");
        }

        GC.KeepAlive(into);
    }

    /// <summary>Writes a contiguous tensor of the host as a block.</summary>
    internal void Write(int block, Tensor from)
    {
        byte* data = (byte*)from.data_ptr();
        long bytes = from.numel() * from.dtype.ElementSize();
        try
        {
            for (long done = 0; done < bytes; done += Piece)
            {
                RandomAccess.Write(_file, new ReadOnlySpan<byte>(data + done, (int)Math.Min(Piece, bytes - done)), (block * _block) + done);
            }
        }
        catch (IOException e)
        {
            throw new OutputException(OutputProblem.DiskFull, $"what memory does not hold cannot be written: {e.Message}", _folder, "room on the disk", "--scratch FOLDER on a larger disk", e);
        }

        GC.KeepAlive(from);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
