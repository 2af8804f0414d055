using System.Buffers.Binary;

namespace GenoSeq.Data;

/// <summary>Neighbouring BGZF blocks that one thread decompresses together; buffers are kept from use to use.</summary>
internal sealed class BgzfBatch(string name, int maxBlocks) : OrderedJob, IDisposable
{
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(maxBlocks * BgzfHeader.MaxLength);
    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(maxBlocks * BgzfHeader.MaxLength);
    private readonly List<Block> _blocks = [];
    private readonly BlockInflater _inflater = BlockInflater.Create();
    private int _inputLength;
    private int _outputLength;

    /// <summary>The content, up to the first damaged block.</summary>
    internal ReadOnlySpan<byte> Content => _output.AsSpan(0, _outputLength);

    internal bool IsEmpty => _blocks.Count == 0;

    /// <summary>Whether the largest possible block still fits. Empty blocks take room too, so the number is bounded.</summary>
    internal bool HasRoom =>
        _input.Length - _inputLength >= BgzfHeader.MaxLength && _output.Length - _outputLength >= BgzfHeader.MaxLength;

    public void Dispose() => _inflater.Dispose();

    internal void Clear()
    {
        _blocks.Clear();
        _inputLength = 0;
        _outputLength = 0;
    }

    /// <summary>Takes the block that the source stands before.</summary>
    /// <returns>Bytes of its content.</returns>
    /// <exception cref="InputDataException">The block is cut off, or its lengths are impossible.</exception>
    internal int Add(CompressedSource source, BgzfHeader header)
    {
        long offset = source.Offset;
        BgzfErrors.CheckHeader(header, name, offset);
        if (!source.Ensure(header.BlockLength))
        {
            throw GzipFormat.Truncated(name, offset, "BGZF block");
        }
        ReadOnlySpan<byte> bytes = source.Buffered[..header.BlockLength];
        ReadOnlySpan<byte> trailer = bytes[^GzipFormat.TrailerLength..];
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
        BgzfErrors.CheckContentLength(length, name, offset);
        bytes[header.HeaderLength..^GzipFormat.TrailerLength].CopyTo(_input.AsSpan(_inputLength));
        _blocks.Add(new Block(
            offset, _inputLength, header.PayloadLength, _outputLength, (int)length,
            BinaryPrimitives.ReadUInt32LittleEndian(trailer)));
        _inputLength += header.PayloadLength;
        _outputLength += (int)length;
        source.Advance(header.BlockLength);
        return (int)length;
    }

    protected override void Run()
    {
        foreach (Block block in _blocks)
        {
            Span<byte> content = _output.AsSpan(block.OutputStart, block.OutputLength);
            try
            {
                BgzfErrors.Inflate(
                    _inflater, _input.AsSpan(block.InputStart, block.InputLength), content, block.Crc, name, block.Offset);
            }
            catch
            {
                _outputLength = block.OutputStart;
                throw;
            }
        }
    }

    private readonly record struct Block(
        long Offset, int InputStart, int InputLength, int OutputStart, int OutputLength, uint Crc);
}
