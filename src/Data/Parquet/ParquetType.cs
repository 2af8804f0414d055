using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Parquet;

/// <summary>The type of a column, as a tree.</summary>
/// <param name="Kind">What it is at this level.</param>
/// <param name="Children">Fields of a STRUCT, the element of a LIST, key and value of a MAP.</param>
internal sealed record ParquetType(DuckDbType Kind, IReadOnlyList<(string Name, ParquetType Type)> Children)
{
    // Deeper nesting is in no real file; a made-up one shall not exhaust the stack.
    private const int MaxDepth = 64;

    /// <summary>Bytes that are handed out as they are.</summary>
    internal bool IsBytes => Kind is DuckDbType.Varchar or DuckDbType.Blob;

    internal bool IsNested => Kind is DuckDbType.List or DuckDbType.Array or DuckDbType.Struct or DuckDbType.Map;

    internal static unsafe ParquetType Read(nint type, int depth = 0)
    {
        DuckDbApi api = DuckDbApi.Instance;
        var kind = (DuckDbType)api.GetTypeId(type);
        if (depth == MaxDepth)
        {
            return new ParquetType(DuckDbType.Invalid, []);
        }

        switch (kind)
        {
            case DuckDbType.List:
                return new ParquetType(kind, [("element", Child(api.ListTypeChildType(type)))]);
            case DuckDbType.Array:
                return new ParquetType(kind, [("element", Child(api.ArrayTypeChildType(type)))]);
            case DuckDbType.Map:
                return new ParquetType(kind, [("key", Child(api.MapTypeKeyType(type))), ("value", Child(api.MapTypeValueType(type)))]);
            case DuckDbType.Struct:
                var fields = new List<(string, ParquetType)>();
                ulong count = api.StructTypeChildCount(type);
                for (ulong i = 0; i < count; i++)
                {
                    byte* name = api.StructTypeChildName(type, i);
                    fields.Add((DuckDbApi.Text(name), Child(api.StructTypeChildType(type, i))));
                    api.Free(name);
                }

                return new ParquetType(kind, fields);
            default:
                return new ParquetType(kind, []);
        }

        ParquetType Child(nint child)
        {
            using var handle = new LogicalTypeHandle();
            handle.Attach(child);
            return Read(child, depth + 1);
        }
    }

    /// <summary>Paths of the text and binary leaves below this type.</summary>
    internal IEnumerable<string> Leaves(string path)
    {
        if (IsBytes)
        {
            yield return path;
        }

        foreach ((string name, ParquetType type) in Children)
        {
            foreach (string leaf in type.Leaves(Kind is DuckDbType.List or DuckDbType.Array ? path : $"{path}.{name}"))
            {
                yield return leaf;
            }
        }
    }
}
