using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data.Parquet;

/// <summary>
/// Bytes appended once and then read at random: in memory up to a budget, beyond it in a temporary file that has no name
/// any more, so that nothing is left behind however the program ends. Reads are thread-safe.
/// </summary>
internal sealed class SpillStore : IDisposable
{
    private const int BlockShift = 22;
    private const int BlockBytes = 1 << BlockShift;

    private readonly long _budget;
    private readonly string _folder;
    private readonly List<byte[]> _blocks = [];
    private byte[] _tail = [];
    private int _tailUsed;
    private SafeFileHandle? _file;
    private long _written;

    /// <summary>Creates an empty store.</summary>
    /// <param name="memoryBudget">Bytes to keep in memory.</param>
    /// <param name="folder">Where the file would be made.</param>
    internal SpillStore(long memoryBudget, string folder)
    {
        _budget = memoryBudget;
        _folder = folder;
    }

    internal long Length { get; private set; }

    internal bool OnDisk => _file is not null;

    internal void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_tailUsed == _tail.Length)
            {
                CloseBlock();
                _tail = _tail.Length == BlockBytes && _file is not null ? _tail : new byte[BlockBytes];
                _tailUsed = 0;
            }

            int n = Math.Min(bytes.Length, _tail.Length - _tailUsed);
            bytes[..n].CopyTo(_tail.AsSpan(_tailUsed));
            bytes = bytes[n..];
            _tailUsed += n;
            Length += n;
        }
    }

    /// <summary>Ends the appending; reads may begin.</summary>
    internal void Seal()
    {
        CloseBlock();
        if (_file is not null || _tailUsed == 0)
        {
            _tail = [];
        }

        _tailUsed = 0;
    }

    internal void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - destination.Length);
        while (destination.Length > 0)
        {
            int n;
            if (_file is not null)
            {
                n = RandomAccess.Read(_file, destination, offset);
                if (n == 0)
                {
                    throw new EndOfStreamException("the temporary file of decoded sequences was cut short");
                }
            }
            else
            {
                int at = (int)(offset & (BlockBytes - 1));
                n = Math.Min(destination.Length, BlockBytes - at);
                _blocks[(int)(offset >> BlockShift)].AsSpan(at, n).CopyTo(destination);
            }

            destination = destination[n..];
            offset += n;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _blocks.Clear();
    }

    private void CloseBlock()
    {
        if (_tailUsed == 0)
        {
            return;
        }

        if (_file is null && Length > _budget)
        {
            _file = CreateUnnamed(_folder);
            foreach (byte[] block in _blocks)
            {
                Write(block);
            }

            _blocks.Clear();
            // What was kept is large and dead at once, and would stay resident until memory is short. This happens once a store.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        if (_file is not null)
        {
            Write(_tail.AsSpan(0, _tailUsed));
        }
        else
        {
            _blocks.Add(_tail);
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_file!, bytes, _written);
        _written += bytes.Length;
    }

    private static SafeFileHandle CreateUnnamed(string folder)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, $".genoseq-{Guid.NewGuid():N}");
        SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess);
        File.Delete(path);
        return file;
    }
}
