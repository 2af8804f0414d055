using System.Buffers.Binary;

namespace GenoSeq.Data.Parquet;

/// <summary>One element of a file's schema, in depth-first order.</summary>
internal sealed record ParquetElement
{
    internal const int ByteArray = 6, FixedLengthByteArray = 7;
    internal const int DecimalConverted = 5;

    internal string Name { get; set; } = "";
    internal int? Physical { get; set; }
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

/// <summary>One column's bytes in one row group.</summary>
internal sealed record ParquetChunk
{
    internal int Physical { get; set; } = -1;
    internal List<int> Encodings { get; } = [];
    internal List<string> Path { get; } = [];
    internal int Codec { get; set; }
    internal long Values { get; set; }
    internal long UncompressedSize { get; set; }
    internal long CompressedSize { get; set; }
    internal long DataOffset { get; set; }
    internal long DictionaryOffset { get; set; }
    internal bool Encrypted { get; set; }
    internal bool HasMetadata { get; set; }
}

/// <summary>What a Parquet file says of itself at its end, read without trusting it.</summary>
internal sealed class ParquetFooter
{
    private const int TailBytes = 8;

    internal List<ParquetElement> Schema { get; } = [];

    internal List<List<ParquetChunk>> RowGroups { get; } = [];

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
            return Parse(bytes);
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

    /// <summary>Largest definition and repetition level of a leaf: how many optional and repeated elements lead to it.</summary>
    internal (int Definition, int Repetition) LevelsOf(List<string> path)
    {
        const int Optional = 1, Repeated = 2;
        int definition = 0, repetition = 0;
        int at = 1;
        int siblings = Schema.Count == 0 ? 0 : Schema[0].Children;
        foreach (string name in path)
        {
            for (; siblings > 0 && at < Schema.Count && Schema[at].Name != name; siblings--)
            {
                at = After(at, 0);
            }

            ThriftCompact.Require(siblings > 0 && at < Schema.Count);
            definition += Schema[at].Repetition is Optional or Repeated ? 1 : 0;
            repetition += Schema[at].Repetition == Repeated ? 1 : 0;
            siblings = Schema[at].Children;
            at++;
        }

        return (definition, repetition);
    }

    // The element after one and all below it.
    private int After(int at, int depth)
    {
        ThriftCompact.Require(depth < 64 && at < Schema.Count);
        int next = at + 1;
        for (int i = 0; i < Schema[at].Children && next < Schema.Count; i++)
        {
            next = After(next, depth + 1);
        }

        return next;
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

    private static List<ParquetChunk> RowGroup(ref ThriftCompact thrift)
    {
        var chunks = new List<ParquetChunk>();
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            if (id != 1)
            {
                thrift.Skip(type);
                continue;
            }

            for (int n = thrift.ListOf(type, out int element); n > 0; n--)
            {
                ThriftCompact.Require(element == ThriftCompact.Struct);
                chunks.Add(Chunk(ref thrift));
            }
        }

        return chunks;
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

    private static void ReadMetadata(ref ThriftCompact thrift, ParquetChunk chunk)
    {
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            switch (id)
            {
                case 1:
                    chunk.Physical = (int)thrift.Integer(type);
                    break;
                case 2:
                    for (int n = thrift.ListOf(type, out int element); n > 0; n--)
                    {
                        chunk.Encodings.Add((int)thrift.Integer(element));
                    }

                    break;
                case 3:
                    for (int n = thrift.ListOf(type, out int element); n > 0; n--)
                    {
                        chunk.Path.Add(thrift.Text(element));
                    }

                    break;
                case 4:
                    chunk.Codec = (int)thrift.Integer(type);
                    break;
                case 5:
                    chunk.Values = thrift.Integer(type);
                    break;
                case 6:
                    chunk.UncompressedSize = thrift.Integer(type);
                    break;
                case 7:
                    chunk.CompressedSize = thrift.Integer(type);
                    break;
                case 9:
                    chunk.DataOffset = thrift.Integer(type);
                    break;
                case 11:
                    chunk.DictionaryOffset = thrift.Integer(type);
                    break;
                default:
                    thrift.Skip(type);
                    break;
            }
        }
    }
}
