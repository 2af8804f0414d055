namespace GenoSeq.Data.Parquet;

/// <summary>The header of a page.</summary>
internal readonly record struct PageHeader
{
    internal int Kind { get; private init; }
    internal int UncompressedSize { get; private init; }
    internal int CompressedSize { get; private init; }
    internal int Values { get; private init; }
    internal int Encoding { get; private init; }
    internal int DefinitionBytes { get; private init; }
    internal int RepetitionBytes { get; private init; }
    internal bool IsCompressed { get; private init; }
    internal int HeaderBytes { get; private init; }

    internal const int DataPage = 0, DataPageV2 = 3;

    /// <summary>Decodes a header at the start of <paramref name="bytes"/>.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    internal static PageHeader Read(ReadOnlySpan<byte> bytes)
    {
        const int V1 = 5, V2 = 8;
        var header = new PageHeader { Kind = -1, Encoding = -1, IsCompressed = true };
        var thrift = new ThriftCompact(bytes);
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            switch (id)
            {
                case 1:
                    header = header with { Kind = Int(thrift.Integer(type)) };
                    break;
                case 2:
                    header = header with { UncompressedSize = Int(thrift.Integer(type)) };
                    break;
                case 3:
                    header = header with { CompressedSize = Int(thrift.Integer(type)) };
                    break;
                case V1 or V2 when type == ThriftCompact.Struct:
                    header = Data(ref thrift, header, id == V2);
                    break;
                default:
                    thrift.Skip(type);
                    break;
            }
        }

        return header with { HeaderBytes = thrift.Position };
    }

    private static PageHeader Data(ref ThriftCompact thrift, PageHeader header, bool second)
    {
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            switch (id)
            {
                case 1:
                    header = header with { Values = Int(thrift.Integer(type)) };
                    break;
                case 2 when !second:
                case 4 when second:
                    header = header with { Encoding = Int(thrift.Integer(type)) };
                    break;
                case 5 when second:
                    header = header with { DefinitionBytes = Int(thrift.Integer(type)) };
                    break;
                case 6 when second:
                    header = header with { RepetitionBytes = Int(thrift.Integer(type)) };
                    break;
                case 7 when second && type is 1 or 2:
                    header = header with { IsCompressed = type == ThriftCompact.True };
                    break;
                default:
                    thrift.Skip(type);
                    break;
            }
        }

        return header;
    }

    private static int Int(long value)
    {
        ThriftCompact.Require(value is >= int.MinValue and <= int.MaxValue);
        return (int)value;
    }
}
