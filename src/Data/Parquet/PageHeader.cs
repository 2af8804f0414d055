namespace GenoSeq.Data.Parquet;

/// <summary>The header of a page. A field of another type than the format's is passed over, as Thrift's own decoders do.</summary>
internal readonly record struct PageHeader
{
    internal const int DataPage = 0, DictionaryPage = 2, DataPageV2 = 3;

    internal int Kind { get; private init; }
    internal int UncompressedSize { get; private init; }
    internal int CompressedSize { get; private init; }
    internal int Values { get; private init; }
    internal int Encoding { get; private init; }
    internal int DefinitionBytes { get; private init; }
    internal int RepetitionBytes { get; private init; }
    internal bool IsCompressed { get; private init; }
    internal int HeaderBytes { get; private init; }

    /// <summary>Where in the header the bytes of these numbers lie, for a copy with others.</summary>
    internal Range UncompressedAt { get; private init; }

    /// <inheritdoc cref="UncompressedAt"/>
    internal Range CompressedAt { get; private init; }

    /// <inheritdoc cref="UncompressedAt"/>
    internal Range EncodingAt { get; private init; }

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
            int start = thrift.Position;
            switch (id)
            {
                case 1 when type == ThriftCompact.I32:
                    ThriftCompact.Require(header.Kind == -1);
                    header = header with { Kind = Int(thrift.Integer(type)) };
                    break;
                case 2 when type == ThriftCompact.I32:
                    header = header with { UncompressedSize = Int(thrift.Integer(type)), UncompressedAt = start..thrift.Position };
                    break;
                case 3 when type == ThriftCompact.I32:
                    header = header with { CompressedSize = Int(thrift.Integer(type)), CompressedAt = start..thrift.Position };
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
        // A header may hold both kinds; the page's own kind, which comes first, says which counts.
        ThriftCompact.Require(header.Kind != -1);
        bool counts = header.Kind == (second ? DataPageV2 : DataPage);
        int id = 0;
        while (thrift.Field(ref id, out int type))
        {
            int start = thrift.Position;
            switch (id)
            {
                case 1 when counts && type == ThriftCompact.I32:
                    header = header with { Values = Int(thrift.Integer(type)) };
                    break;
                case 2 when counts && !second && type == ThriftCompact.I32:
                case 4 when counts && second && type == ThriftCompact.I32:
                    header = header with { Encoding = Int(thrift.Integer(type)), EncodingAt = start..thrift.Position };
                    break;
                case 5 when counts && second && type == ThriftCompact.I32:
                    header = header with { DefinitionBytes = Int(thrift.Integer(type)) };
                    break;
                case 6 when counts && second && type == ThriftCompact.I32:
                    header = header with { RepetitionBytes = Int(thrift.Integer(type)) };
                    break;
                case 7 when counts && second && type is 1 or 2:
                    header = header with { IsCompressed = type == ThriftCompact.True };
                    break;
                default:
                    thrift.Skip(type);
                    break;
            }
        }

        return header;
    }

    // 32-bit fields are cut to their width, as Thrift's own decoders do.
    private static int Int(long value) => unchecked((int)value);
}
