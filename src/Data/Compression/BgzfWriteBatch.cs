using System.Buffers.Binary;

namespace GenoSeq.Data;

/// <summary>Content for neighbouring BGZF blocks that one thread compresses together.</summary>
internal sealed class BgzfWriteBatch(int level) : OrderedJob, IDisposable
{
    private const int Blocks = 16;

    private readonly byte[] _content = GC.AllocateUninitializedArray<byte>(Blocks * BgzfHeader.WrittenContent);
    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(Blocks * BgzfHeader.MaxLength);
    private readonly BlockDeflater _deflater = BlockDeflater.Create(level);
    private readonly List<(int Compressed, int Content)> _lengths = [];
    private int _contentLength;
    private int _outputLength;

    internal bool IsEmpty => _contentLength == 0;

    internal bool IsFull => _contentLength == _content.Length;

    /// <summary>The blocks, when the work is done.</summary>
    internal ReadOnlySpan<byte> Output => _output.AsSpan(0, _outputLength);

    /// <summary>Lengths of the blocks and of their contents.</summary>
    internal IReadOnlyList<(int Compressed, int Content)> Lengths => _lengths;

    public void Dispose() => _deflater.Dispose();

    internal void Clear() => _contentLength = 0;

    /// <summary>Takes as much as fits.</summary>
    /// <returns>Bytes taken.</returns>
    internal int Add(ReadOnlySpan<byte> bytes)
    {
        int n = Math.Min(bytes.Length, _content.Length - _contentLength);
        bytes[..n].CopyTo(_content.AsSpan(_contentLength));
        _contentLength += n;
        return n;
    }

    protected override void Run()
    {
        _lengths.Clear();
        _outputLength = 0;
        for (int start = 0; start < _contentLength; start += BgzfHeader.WrittenContent)
        {
            ReadOnlySpan<byte> content =
                _content.AsSpan(start, Math.Min(BgzfHeader.WrittenContent, _contentLength - start));
            int length = WriteBlock(content, _output.AsSpan(_outputLength, BgzfHeader.MaxLength));
            _outputLength += length;
            _lengths.Add((length, content.Length));
        }
    }

    private int WriteBlock(ReadOnlySpan<byte> content, Span<byte> block)
    {
        BgzfHeader.EndOfFile[..BgzfHeader.UsualLength].CopyTo(block);
        Span<byte> room = block[BgzfHeader.UsualLength..^GzipFormat.TrailerLength];
        int length = BgzfHeader.UsualLength + _deflater.Deflate(content, room);
        BinaryPrimitives.WriteUInt32LittleEndian(block[length..], Crc32.Append(0, content));
        BinaryPrimitives.WriteUInt32LittleEndian(block[(length + 4)..], (uint)content.Length);
        length += GzipFormat.TrailerLength;
        BinaryPrimitives.WriteUInt16LittleEndian(block[(BgzfHeader.UsualLength - 2)..], (ushort)(length - 1));
        return length;
    }
}
