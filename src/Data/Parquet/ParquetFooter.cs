using System.Buffers.Binary;

namespace GenoSeq.Data.Parquet;

/// <summary>One element of a file's schema, in depth-first order.</summary>
internal sealed record ParquetElement
{
    internal const int ByteArray = 6, FixedLengthByteArray = 7;
    internal const int DecimalConverted = 5;

    internal string Name { get; set; } = "";
    internal int? Physical { get; set; }
    internal int TypeLength { get; set; }
    internal int Repetition { get; set; }
    internal int Children { get; set; }
    internal int? Converted { get; set; }
    internal long? Scale { get; set; }
    internal long? Precision { get; set; }
    internal long? LogicalScale { get; set; }
    internal long? LogicalPrecision { get; set; }

    /// <summary>True if the value is a string of bytes in the file, whatever it stands for.</summary>
    internal bool IsBytes => Physical is ByteArray or FixedLengthByteArray;
}

/// <summary>What a Parquet file says of itself at its end, read without trusting it.</summary>
internal sealed class ParquetFooter
{
    private const int TailBytes = 8;

    internal List<ParquetElement> Schema { get; } = [];

    internal List<ParquetRowGroup> RowGroups { get; } = [];

    /// <summary>The footer's own bytes.</summary>
    internal byte[] Bytes { get; private set; } = [];

    internal long Rows { get; private set; }

    internal bool EncryptedColumns { get; private set; }

    /// <summary>Reads the footer of a file whose magic has been checked.</summary>
    /// <exception cref="InputDataException">The footer cannot be decoded.</exception>
    internal static ParquetFooter Read(string path)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path);
            long length = RandomAccess.GetLength(file);
            Span<byte> tail = stackalloc byte[TailBytes];
            ThriftCompact.Require(length > TailBytes && RandomAccess.Read(file, tail, length - TailBytes) == TailBytes);
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(tail);
            ThriftCompact.Require(size <= length - TailBytes && size <= Array.MaxLength);
            byte[] bytes = new byte[size];
            ThriftCompact.Require(RandomAccess.Read(file, bytes, length - TailBytes - size) == bytes.Length);
            ParquetFooter footer = Parse(bytes);
            footer.Bytes = bytes;
            return footer;
        }
        catch (FormatException e)
        {
            throw new InputDataException("the file's footer is corrupt", path, "the description of columns and row groups that ends a Parquet file",
                "copy or write it again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }

    /// <summary>The columns, in the order in which every row group has them.</summary>
    /// <exception cref="FormatException">The schema is no tree.</exception>
    internal List<ParquetLeaf> Leaves()
    {
        var leaves = new List<ParquetLeaf>();
        int at = 1;
        for (int i = 0; Schema.Count > 0 && i < Schema[0].Children; i++)
        {
            AddLeaves(ref at, null, "", 0, 0, 0, leaves);
        }

        return leaves;
    }

    private void AddLeaves(ref int at, string? top, string prefix, int definition, int repetition, int depth, List<ParquetLeaf> leaves)
    {
        const int Optional = 1, Repeated = 2;
        ThriftCompact.Require(depth < 64 && at < Schema.Count);
        ParquetElement element = Schema[at++];
        definition += element.Repetition is Optional or Repeated ? 1 : 0;
        repetition += element.Repetition == Repeated ? 1 : 0;
        top ??= element.Name;
        if (element.Children <= 0)
        {
            leaves.Add(new ParquetLeaf(top, prefix + element.Name, element, definition, repetition));
            return;
        }

        for (int i = 0; i < element.Children; i++)
        {
            AddLeaves(ref at, top, $"{prefix}{element.Name}.", definition, repetition, depth + 1, leaves);
        }
    }

    /// <summary>Decodes a footer.</summary>
    /// <exception cref="FormatException">It is corrupt.</exception>
    internal static ParquetFooter Parse(ReadOnlySpan<byte> bytes)
    {
        var footer = new ParquetFooter();
        var thrift = new ThriftCompact(bytes);
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            switch (id)
            {
                case 2:
                    for (int n = thrift.ListOf(type, out int element); n > 0; n--)
                    {
                        ThriftCompact.Require(element == ThriftCompact.Struct);
                        footer.Schema.Add(Element(ref thrift));
                    }

                    break;
                case 3:
                    footer.Rows = thrift.Integer(type);
                    break;
                case 4:
                    for (int n = thrift.ListOf(type, out int element); n > 0; n--)
                    {
                        ThriftCompact.Require(element == ThriftCompact.Struct);
                        footer.RowGroups.Add(RowGroup(ref thrift));
                    }

                    break;
                case 8:
                    footer.EncryptedColumns = true;
                    thrift.Skip(type);
                    break;
                default:
                    thrift.Skip(type);
                    break;
            }
        }

        return footer;
    }

    private static ParquetElement Element(ref ThriftCompact thrift)
    {
        var element = new ParquetElement();
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            switch (id)
            {
                case 1:
                    element.Physical = (int)thrift.Integer(type);
                    break;
                case 2:
                    element.TypeLength = unchecked((int)thrift.Integer(type));
                    break;
                case 3:
                    element.Repetition = (int)thrift.Integer(type);
                    break;
                case 4:
                    element.Name = thrift.Text(type);
                    break;
                case 5:
                    element.Children = (int)thrift.Integer(type);
                    break;
                case 6:
                    element.Converted = (int)thrift.Integer(type);
                    break;
                case 7:
                    element.Scale = thrift.Integer(type);
                    break;
                case 8:
                    element.Precision = thrift.Integer(type);
                    break;
                case 10 when type == ThriftCompact.Struct:
                    Logical(ref thrift, element);
                    break;
                default:
                    thrift.Skip(type);
                    break;
            }
        }

        return element;
    }

    private static void Logical(ref ThriftCompact thrift, ParquetElement element)
    {
        const int Decimal = 5;
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            if (id != Decimal || type != ThriftCompact.Struct)
            {
                thrift.Skip(type);
                continue;
            }

            int inner = 0;
            (element.LogicalScale, element.LogicalPrecision) = (0, 0);
            while (thrift.Field(ref inner, out int innerType))
            {
                switch (inner)
                {
                    case 1:
                        element.LogicalScale = thrift.Integer(innerType);
                        break;
                    case 2:
                        element.LogicalPrecision = thrift.Integer(innerType);
                        break;
                    default:
                        thrift.Skip(innerType);
                        break;
                }
            }
        }
    }

    private static ParquetRowGroup RowGroup(ref ThriftCompact thrift)
    {
        var group = new ParquetRowGroup();
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            if (id == 3 && type == ThriftCompact.I64)
            {
                group.Rows = thrift.Integer(type);
                continue;
            }

            if (id != 1)
            {
                thrift.Skip(type);
                continue;
            }

            for (int n = thrift.ListOf(type, out int element); n > 0; n--)
            {
                ThriftCompact.Require(element == ThriftCompact.Struct);
                group.Chunks.Add(Chunk(ref thrift));
            }
        }

        return group;
    }

    private static ParquetChunk Chunk(ref ThriftCompact thrift)
    {
        const int Metadata = 3, Crypto = 8, EncryptedMetadata = 9;
        var chunk = new ParquetChunk();
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            if (id == Metadata && type == ThriftCompact.Struct)
            {
                chunk.HasMetadata = true;
                ReadMetadata(ref thrift, chunk);
            }
            else
            {
                chunk.Encrypted |= id is Crypto or EncryptedMetadata;
                thrift.Skip(type);
            }
        }

        return chunk;
    }

    // Fields of other types than the format's are passed over, as Thrift's own decoders do.
    private static void ReadMetadata(ref ThriftCompact thrift, ParquetChunk chunk)
    {
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            int start = thrift.Position;
            switch (id)
            {
                case 2 when type == ThriftCompact.List:
                    for (int n = thrift.ListOf(type, out int element); n > 0; n--)
                    {
                        chunk.Encodings.Add((int)thrift.Integer(element));
                    }

                    break;
                case 4 when type == ThriftCompact.I32:
                    chunk.Codec = unchecked((int)thrift.Integer(type));
                    chunk.CodecAt = start..thrift.Position;
                    break;
                case 5 when type == ThriftCompact.I64:
                    chunk.Values = thrift.Integer(type);
                    break;
                case 6 when type == ThriftCompact.I64:
                    chunk.UncompressedSize = thrift.Integer(type);
                    chunk.UncompressedAt = start..thrift.Position;
                    break;
                case 7 when type == ThriftCompact.I64:
                    chunk.CompressedSize = thrift.Integer(type);
                    chunk.CompressedAt = start..thrift.Position;
                    break;
                case 9 when type == ThriftCompact.I64:
                    chunk.DataOffset = thrift.Integer(type);
                    chunk.DataAt = start..thrift.Position;
                    break;
                case 11 when type == ThriftCompact.I64:
                    chunk.DictionaryOffset = thrift.Integer(type);
                    chunk.DictionaryAt = start..thrift.Position;
                    break;
                default:
                    thrift.Skip(type);
                    break;
            }
        }
    }
}
