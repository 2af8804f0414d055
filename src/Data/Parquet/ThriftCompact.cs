using System.Text;

namespace GenoSeq.Data.Parquet;

/// <summary>The Thrift compact protocol, as far as Parquet's footer and page headers need it. Every read is bounds-checked.</summary>
internal ref struct ThriftCompact(ReadOnlySpan<byte> bytes)
{
    internal const int True = 1, Byte = 3, I16 = 4, I32 = 5, I64 = 6, Double = 7, Binary = 8, List = 9, Set = 10, Map = 11, Struct = 12;

    private const int MaxDepth = 64;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes consumed.</summary>
    internal int Position { get; private set; }

    /// <summary>Reads a field's header; false at the end of the struct. <paramref name="id"/> holds the previous field's.</summary>
    internal bool Field(ref int id, out int type)
    {
        byte head = Next();
        type = head & 0x0F;
        if (type == 0)
        {
            return false;
        }

        int delta = head >> 4;
        // Ids have 16 bits, and wrap.
        id = unchecked((short)(delta != 0 ? id + delta : ZigZag()));
        return true;
    }

    /// <summary>An integer field's value; an error if the field has another type.</summary>
    internal long Integer(int type)
    {
        if (type == Byte)
        {
            return (sbyte)Next();
        }

        Require(type is I16 or I32 or I64);
        return ZigZag();
    }

    internal ReadOnlySpan<byte> Bytes(int type)
    {
        Require(type == Binary);
        ulong length = Varint();
        Require(length <= (ulong)(_bytes.Length - Position));
        ReadOnlySpan<byte> value = _bytes.Slice(Position, (int)length);
        Position += (int)length;
        return value;
    }

    internal string Text(int type) => Encoding.UTF8.GetString(Bytes(type));

    /// <summary>A list's header. The count cannot exceed the bytes that are left, since no element is empty.</summary>
    internal int ListOf(int type, out int elementType)
    {
        Require(type is List or Set);
        byte head = Next();
        elementType = head & 0x0F;
        ulong count = (uint)(head >> 4);
        if (count == 15)
        {
            count = Varint();
        }

        Require(count <= (ulong)(_bytes.Length - Position));
        return (int)count;
    }

    /// <summary>Passes over a field's value.</summary>
    internal void Skip(int type, int depth = 0, bool inList = false)
    {
        Require(depth < MaxDepth);
        switch (type)
        {
            case 1 or 2:
                if (inList)
                {
                    Next();
                }

                break;
            case Byte:
                Next();
                break;
            case I16 or I32 or I64:
                Varint();
                break;
            case Double:
                Require(_bytes.Length - Position >= sizeof(double));
                Position += sizeof(double);
                break;
            case Binary:
                Bytes(type);
                break;
            case List or Set:
                int count = ListOf(type, out int element);
                for (int i = 0; i < count; i++)
                {
                    Skip(element, depth + 1, inList: true);
                }

                break;
            case Map:
                ulong pairs = Varint();
                Require(pairs <= (ulong)(_bytes.Length - Position));
                byte types = pairs == 0 ? (byte)0 : Next();
                for (ulong i = 0; i < pairs; i++)
                {
                    Skip(types >> 4, depth + 1, inList: true);
                    Skip(types & 0x0F, depth + 1, inList: true);
                }

                break;
            case Struct:
                int id = 0;
                while (Field(ref id, out int inner))
                {
                    Skip(inner, depth + 1);
                }

                break;
            default:
                Require(false);
                break;
        }
    }

    internal static void Require(bool good)
    {
        if (!good)
        {
            throw new FormatException();
        }
    }

    private byte Next()
    {
        Require(Position < _bytes.Length);
        return _bytes[Position++];
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            byte b = Next();
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        throw new FormatException();
    }

    private long ZigZag()
    {
        ulong value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }
}
