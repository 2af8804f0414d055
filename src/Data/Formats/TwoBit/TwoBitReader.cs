using System.Buffers.Binary;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Reads the tables of a 2bit file (UCSC Genome Browser, file format FAQ 7): header, index of sequences, and of every
/// sequence its size, N blocks and lower-case blocks. Either byte order; version 0 (32-bit offsets) and version 1
/// (64-bit offsets).
/// </summary>
/// <remarks>
/// No count is trusted: before anything is allocated for it, it is compared with the bytes of the file. Blocks must be
/// sorted, must not overlap, and must lie in their sequence; sequences must not share bytes of the file, so that tables
/// cannot be made larger than the file by pointing at the same bytes often.
/// </remarks>
internal sealed class TwoBitReader
{
    private const uint Signature = 0x1A412743;
    private const int HeaderSize = 16;
    private static readonly UTF8Encoding s_strictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly RandomBytes _file;
    private readonly string _path;
    private bool _bigEndian;
    private long _at;
    private long _blockBytes;

    internal TwoBitReader(RandomBytes file, string path)
    {
        _file = file;
        _path = path;
    }

    internal List<TwoBitSequence> Read()
    {
        (int count, bool wideOffsets) = ReadHeader();
        (string Name, long Offset)[] index = ReadIndex(count, wideOffsets);
        var sequences = new List<TwoBitSequence>(count);
        foreach ((string name, long offset) in index)
        {
            sequences.Add(ReadSequence(name, offset));
        }
        CheckDisjoint(sequences, _at);
        return sequences;
    }

    private (int Count, bool WideOffsets) ReadHeader()
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        if (_file.Length < HeaderSize)
        {
            throw Bad($"the file has {_file.Length} bytes", 0, "a header of 16 bytes");
        }
        Take(header, "the header");
        _bigEndian = BinaryPrimitives.ReadUInt32BigEndian(header) == Signature;
        if (!_bigEndian && BinaryPrimitives.ReadUInt32LittleEndian(header) != Signature)
        {
            throw Bad($"the first bytes are 0x{Convert.ToHexString(header[..4])}", 0, "the signature of 2bit, 0x1A412743 in either byte order");
        }
        uint version = UInt32(header[4..]);
        if (version > 1)
        {
            throw Bad($"version {version} of the 2bit format", 4, "version 0, or 1 with 64-bit offsets");
        }
        uint count = UInt32(header[8..]);
        uint reserved = UInt32(header[12..]);
        if (reserved != 0)
        {
            throw Bad($"the reserved field is {reserved}", 12, "0");
        }
        // Name size, at least one letter, offset; and a record of at least four counts.
        int least = 2 + (version == 1 ? 8 : 4) + 16;
        return count == 0
            ? throw Bad("the file has no sequence", 8, "at least one sequence")
            : count > (_file.Length - HeaderSize) / least
            ? throw Bad($"{count} sequences do not fit a file of {_file.Length} bytes", 8, $"at least {least} bytes a sequence")
            : ((int)count, version == 1);
    }

    private (string Name, long Offset)[] ReadIndex(int count, bool wideOffsets)
    {
        var index = new (string, long)[count];
        var seen = new HashSet<string>(count, StringComparer.Ordinal);
        Span<byte> entry = stackalloc byte[1 + 255 + 8];
        for (int i = 0; i < count; i++)
        {
            long at = _at;
            Take(entry[..1], $"entry {i + 1} of the index");
            int size = entry[0];
            int offsetSize = wideOffsets ? 8 : 4;
            Take(entry[..(size + offsetSize)], $"entry {i + 1} of the index");
            string name = Name(entry[..size], at);
            ulong offset = wideOffsets ? UInt64(entry[size..]) : UInt32(entry[size..]);
            if (offset > (ulong)_file.Length)
            {
                throw Bad($"sequence '{name}' begins at byte {offset}, the file ends at {_file.Length}", at, "an offset inside the file");
            }
            if (!seen.Add(name))
            {
                throw Bad($"two sequences are named '{name}'", at, "a different name for every sequence");
            }
            index[i] = (name, (long)offset);
        }
        return index;
    }

    private TwoBitSequence ReadSequence(string name, long offset)
    {
        long indexEnd = _at;
        _at = offset;
        Span<byte> number = stackalloc byte[4];
        uint bases = Next(number, name);
        TwoBitBlocks unknown = ReadBlocks(name, "N blocks", bases);
        TwoBitBlocks masked = ReadBlocks(name, "lower-case blocks", bases);
        long reservedAt = _at;
        uint reserved = Next(number, name);
        if (reserved != 0)
        {
            throw Bad($"the reserved field of sequence '{name}' is {reserved}", reservedAt, "0");
        }
        long packed = _at;
        long end = packed + (((long)bases + 3) / 4);
        if (end > _file.Length)
        {
            throw Bad($"the {bases} bases of sequence '{name}' end at byte {end}, the file at {_file.Length}", packed, "a whole file");
        }
        _at = indexEnd;
        return offset < indexEnd
            ? throw Bad($"sequence '{name}' begins inside the index, which ends at byte {indexEnd}", offset, "sequences after the index")
            : new TwoBitSequence(name, bases, unknown, masked, offset, packed, end);
    }

    private TwoBitBlocks ReadBlocks(string name, string what, uint bases)
    {
        long at = _at;
        Span<byte> number = stackalloc byte[4];
        uint count = Next(number, name);
        if (count > (_file.Length - _at) / 8)
        {
            throw Bad($"{count} {what} of sequence '{name}' do not fit the file", at, $"at most {(_file.Length - _at) / 8}");
        }
        // Sequences that share bytes are refused at the end; this keeps them from filling memory before.
        _blockBytes += 8L * count;
        if (_blockBytes > _file.Length)
        {
            throw Bad($"the blocks up to sequence '{name}' need {_blockBytes} bytes of a file of {_file.Length}", at,
                "sequences that do not overlap in the file");
        }
        uint[] starts = ReadNumbers((int)count, name);
        uint[] sizes = ReadNumbers((int)count, name);
        long end = 0;
        for (int i = 0; i < starts.Length; i++)
        {
            if (starts[i] < end)
            {
                throw Bad($"{what} {i} and {i + 1} of sequence '{name}' overlap or are not sorted", at, "sorted blocks that do not overlap");
            }
            end = (long)starts[i] + sizes[i];
            if (end > bases)
            {
                throw Bad($"block {i + 1} of the {what} of sequence '{name}' ends at base {end} of {bases}", at, "blocks inside the sequence");
            }
            // From here on the second array holds ends, which is what a search needs.
            sizes[i] = (uint)end;
        }
        return new TwoBitBlocks(starts, sizes);
    }

    private uint[] ReadNumbers(int count, string name)
    {
        if (count == 0)
        {
            return [];
        }
        // The count was held against the file's length.
        uint[] numbers = GC.AllocateUninitializedArray<uint>(count);
        Span<byte> bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.AsSpan());
        Take(bytes, $"the blocks of sequence '{name}'");
        if (_bigEndian == BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(numbers, numbers);
        }
        return numbers;
    }

    private uint Next(Span<byte> number, string name)
    {
        Take(number, $"the counts of sequence '{name}'");
        return UInt32(number);
    }

    private void Take(Span<byte> bytes, string what)
    {
        if (bytes.Length > _file.Length - _at)
        {
            throw Bad($"the file ends within {what}", _at, "a whole file");
        }
        _file.Read(_at, bytes);
        _at += bytes.Length;
    }

    private void CheckDisjoint(List<TwoBitSequence> sequences, long indexEnd)
    {
        TwoBitSequence[] byOffset = [.. sequences.OrderBy(s => s.Offset)];
        long end = indexEnd;
        foreach (TwoBitSequence s in byOffset)
        {
            if (s.Offset < end)
            {
                throw Bad($"sequence '{s.Name}' shares bytes with another sequence", s.Offset, "sequences that do not overlap in the file");
            }
            end = s.End;
        }
    }

    private string Name(ReadOnlySpan<byte> bytes, long at)
    {
        try
        {
            return bytes.IsEmpty || bytes.ContainsAnyInRange((byte)0, (byte)0x20)
                ? throw Bad("a sequence name is empty or holds blanks or control characters", at, "a name of 1 to 255 letters")
                : s_strictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Bad("a sequence name is not ASCII or UTF-8", at, "a name of 1 to 255 letters");
        }
    }

    private uint UInt32(ReadOnlySpan<byte> bytes) => _bigEndian
        ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
        : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private ulong UInt64(ReadOnlySpan<byte> bytes) => _bigEndian
        ? BinaryPrimitives.ReadUInt64BigEndian(bytes)
        : BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    private InputDataException Bad(string what, long at, string expected) =>
        new(what, $"{_path}, byte {at}", expected, "check that the 2bit file is whole and not damaged");
}
