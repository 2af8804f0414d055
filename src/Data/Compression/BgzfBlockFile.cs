using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data;

/// <summary>Single blocks of a BGZF file by their file offset. Thread-safe.</summary>
internal sealed class BgzfBlockFile : IDisposable
{
    private readonly SafeFileHandle? _handle;
    private readonly ReadOnlyMemory<byte> _bytes;

    internal BgzfBlockFile(string path)
    {
        Name = path;
        using FileStream stream = InputFileOpening.OpenStream(path);
        if (!stream.CanSeek)
        {
            throw new InputDataException("random access needs a file", path, "a file on disk, no pipe or device");
        }
        try
        {
            _handle = File.OpenHandle(
                path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
            Length = RandomAccess.GetLength(_handle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _handle?.Dispose();
            throw InputFileOpening.Unreadable(path, e);
        }
    }

    /// <summary>A file in memory.</summary>
    internal BgzfBlockFile(ReadOnlyMemory<byte> bytes, string name)
    {
        Name = name;
        _bytes = bytes;
        Length = bytes.Length;
    }

    internal string Name { get; }

    internal long Length { get; }

    public void Dispose() => _handle?.Dispose();

    /// <summary>Reads at an offset; less than asked for only at the end of the file.</summary>
    internal int ReadAt(long offset, Span<byte> destination)
    {
        if (_handle is null)
        {
            int n = (int)Math.Clamp(Length - offset, 0, destination.Length);
            _bytes.Span.Slice((int)Math.Min(offset, Length), n).CopyTo(destination);
            return n;
        }
        int read = 0;
        try
        {
            while (read < destination.Length)
            {
                int n = RandomAccess.Read(_handle, destination[read..], offset + read);
                if (n == 0)
                {
                    break;
                }
                read += n;
            }
        }
        catch (IOException e)
        {
            throw InputFileOpening.Unreadable(Name, e);
        }
        return read;
    }

    /// <summary>Lengths of the block at an offset, from its header and trailer.</summary>
    /// <returns>False at the end of the file, or where only zero bytes follow.</returns>
    /// <exception cref="InputDataException">There is no block, or its lengths are impossible.</exception>
    internal bool TryMeasure(long offset, out int blockLength, out int contentLength)
    {
        blockLength = contentLength = 0;
        if (offset >= Length)
        {
            return false;
        }
        Span<byte> start = stackalloc byte[BgzfHeader.UsualLength];
        start = start[..ReadAt(offset, start)];
        BgzfHeader header = ReadHeader(start, offset);
        if (header == default)
        {
            return false;
        }
        BgzfErrors.CheckHeader(header, Name, offset);
        if (header.BlockLength > Length - offset)
        {
            throw GzipFormat.Truncated(Name, offset, "BGZF block");
        }
        Span<byte> size = stackalloc byte[sizeof(uint)];
        if (ReadAt(offset + header.BlockLength - size.Length, size) < size.Length)
        {
            throw GzipFormat.Truncated(Name, offset, "BGZF block");
        }
        uint content = BinaryPrimitives.ReadUInt32LittleEndian(size);
        BgzfErrors.CheckContentLength(content, Name, offset);
        blockLength = header.BlockLength;
        contentLength = (int)content;
        return true;
    }

    /// <summary>Decompresses a block with content whose length is known; empty blocks before it are passed over.</summary>
    internal void Inflate(long offset, Span<byte> content, BgzfScratch scratch)
    {
        while (true)
        {
            int read = ReadAt(offset, scratch.Compressed);
            ReadOnlySpan<byte> bytes = scratch.Compressed.AsSpan(0, read);
            if (!BgzfHeader.TryParse(bytes, out BgzfHeader header))
            {
                throw BgzfErrors.NotABlock(Name, offset);
            }
            BgzfErrors.CheckHeader(header, Name, offset);
            if (header.BlockLength > read)
            {
                throw GzipFormat.Truncated(Name, offset, "BGZF block");
            }
            bytes = bytes[..header.BlockLength];
            ReadOnlySpan<byte> trailer = bytes[^GzipFormat.TrailerLength..];
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
            if (length == 0 && !content.IsEmpty)
            {
                offset += header.BlockLength;
                continue;
            }
            if (length != content.Length)
            {
                throw new InputDataException(
                    $"the BGZF block holds {length} bytes, and by the index {content.Length}",
                    GzipFormat.At(Name, offset), "an index of this very file",
                    $"delete {BgzfIndex.PathFor(Name)}, or make it anew with: bgzip -r {Name}");
            }
            BgzfErrors.Inflate(
                scratch.Inflater, bytes[header.HeaderLength..^GzipFormat.TrailerLength], content,
                BinaryPrimitives.ReadUInt32LittleEndian(trailer), Name, offset);
            return;
        }
    }

    private BgzfHeader ReadHeader(ReadOnlySpan<byte> start, long offset)
    {
        if (BgzfHeader.TryParse(start, out BgzfHeader header))
        {
            return header;
        }
        if (start[0] == 0)
        {
            return OnlyZerosFrom(offset) ? default : throw BgzfErrors.NotABlock(Name, offset);
        }
        if (BgzfHeader.EndOfFile.StartsWith(start))
        {
            throw GzipFormat.Truncated(Name, offset, "BGZF block");
        }
        // Further extra fields are rare, and may be long.
        var whole = new byte[Math.Min(12 + ushort.MaxValue, Length - offset)];
        int n = ReadAt(offset, whole);
        return BgzfHeader.TryParse(whole.AsSpan(0, n), out header) ? header : throw BgzfErrors.NotABlock(Name, offset);
    }

    private bool OnlyZerosFrom(long offset)
    {
        var piece = new byte[1 << 14];
        for (int n; (n = ReadAt(offset, piece)) > 0; offset += n)
        {
            if (piece.AsSpan(0, n).ContainsAnyExcept((byte)0))
            {
                return false;
            }
        }
        return true;
    }
}
