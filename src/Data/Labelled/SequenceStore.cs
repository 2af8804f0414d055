using System.IO.MemoryMappedFiles;

namespace GenoSeq.Data;

/// <summary>
/// Many byte strings back to back in large chunks, read by index. Past a limit, full chunks are written to temporary files
/// and mapped, so that the operating system holds what is used.
/// </summary>
internal sealed class SequenceStore(long maxBytesInMemory) : IDisposable
{
    private const int FirstChunk = 1 << 16;
    private const int LargestChunk = 1 << 26;

    private readonly record struct Entry(int Chunk, int Offset, int Length);

    private readonly List<Entry> _entries = [];
    private readonly List<Chunk> _chunks = [];
    private byte[] _open = [];
    private int _openUsed;
    private long _inMemory;

    internal int Count => _entries.Count;

    /// <summary>Sum of all lengths.</summary>
    internal long TotalBytes { get; private set; }

    internal ReadOnlySpan<byte> Get(int index)
    {
        Entry e = _entries[index];
        return e.Length == 0 ? default : _chunks[e.Chunk].Bytes(e.Offset, e.Length);
    }

    internal int LengthOf(int index) => _entries[index].Length;

    internal void Add(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _open.Length - _openUsed)
        {
            Open(bytes.Length);
        }
        bytes.CopyTo(_open.AsSpan(_openUsed));
        _entries.Add(new Entry(Math.Max(0, _chunks.Count - 1), _openUsed, bytes.Length));
        _openUsed += bytes.Length;
        TotalBytes += bytes.Length;
    }

    public void Dispose()
    {
        foreach (Chunk chunk in _chunks)
        {
            chunk.Dispose();
        }
        _chunks.Clear();
    }

    private void Open(int atLeast)
    {
        if (_chunks.Count > 0 && _inMemory > maxBytesInMemory)
        {
            _chunks[^1].MoveToDisk(_openUsed);
            _inMemory -= _open.Length;
        }
        int size = Math.Max(atLeast, Math.Min(LargestChunk, Math.Max(FirstChunk, 2 * _open.Length)));
        _open = GC.AllocateUninitializedArray<byte>(size);
        _openUsed = 0;
        _inMemory += size;
        _chunks.Add(new Chunk(_open));
    }

    private sealed unsafe class Chunk(byte[]? memory) : IDisposable
    {
        private MemoryMappedFile? _file;
        private MemoryMappedViewAccessor? _view;
        private byte* _pointer;

        internal ReadOnlySpan<byte> Bytes(int offset, int length) => _pointer == null
            ? (memory ?? throw new ObjectDisposedException(nameof(LabelledSet))).AsSpan(offset, length)
            : new ReadOnlySpan<byte>(_pointer + offset, length);

        internal void MoveToDisk(int length)
        {
            // Written and not mapped for writing: a full disk is then an IOException and no signal.
            string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
            var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Options = FileOptions.DeleteOnClose,
                BufferSize = 0,
            });
            try
            {
                file.Write(memory!.AsSpan(0, length));
                _file = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            }
            catch
            {
                file.Dispose();
                throw;
            }
            _view = _file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            byte* pointer = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
            _pointer = pointer + _view.PointerOffset;
            memory = null;
        }

        public void Dispose()
        {
            memory = null;
            if (_pointer != null)
            {
                _pointer = null;
                _view!.SafeMemoryMappedViewHandle.ReleasePointer();
                _view.Dispose();
                _file!.Dispose();
            }
        }
    }
}
