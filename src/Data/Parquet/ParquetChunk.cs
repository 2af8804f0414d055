namespace GenoSeq.Data.Parquet;

/// <summary>A column of values: a leaf of the schema.</summary>
/// <param name="Top">Name of the top-level column that it is in.</param>
/// <param name="Path">Names from there to here, with dots between.</param>
/// <param name="Element">Its element of the schema.</param>
/// <param name="MaxDefinition">Optional and repeated elements that lead to it.</param>
/// <param name="MaxRepetition">Repeated elements that lead to it.</param>
internal sealed record ParquetLeaf(string Top, string Path, ParquetElement Element, int MaxDefinition, int MaxRepetition);

/// <summary>A row group: a chunk for every leaf, in the schema's order.</summary>
internal sealed record ParquetRowGroup
{
    internal List<ParquetChunk> Chunks { get; } = [];
    internal long Rows { get; set; }
}

/// <summary>One column's bytes in one row group, and where in the footer the numbers lie that a copy may have to change.</summary>
internal sealed record ParquetChunk
{
    // "If it is less than 4, it cannot be": the magic lies there, and some writers put 0 for none.
    private const int FirstOffset = 4;

    internal List<int> Encodings { get; } = [];
    internal int Codec { get; set; }
    internal long Values { get; set; }
    internal long UncompressedSize { get; set; }
    internal long CompressedSize { get; set; }
    internal long DataOffset { get; set; }
    internal long DictionaryOffset { get; set; }
    internal bool Encrypted { get; set; }
    internal bool HasMetadata { get; set; }
    internal Range CodecAt { get; set; }
    internal Range UncompressedAt { get; set; }
    internal Range CompressedAt { get; set; }
    internal Range DataAt { get; set; }
    internal Range DictionaryAt { get; set; }

    /// <summary>Offset of the first page, by the rule of the native decoder: a dictionary's, where one is given.</summary>
    internal long FirstPage => HasDictionary ? DictionaryOffset : DataOffset;

    internal bool HasDictionary => DictionaryOffset >= FirstOffset;
}
