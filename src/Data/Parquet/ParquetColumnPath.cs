using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Parquet;

/// <summary>A dotted path into nested columns, made into the expression that the scan computes.</summary>
internal static class ParquetColumnPath
{
    /// <summary>The expression of a path, whether it gives a list of values a row, and the type at its end.</summary>
    internal readonly record struct Expression(string Sql, bool IsList, ParquetType Leaf);

    // The level between a list and its elements, and the element's own name, go by several names in files.
    private static readonly string[] s_listLevels = ["list", "bag", "array", "element", "item", "array_element"];
    private static readonly string[] s_mapLevels = ["key_value", "map", "entries"];

    /// <summary>Follows the rest of a path from a value on; null with a reason if it leads nowhere.</summary>
    internal static Expression? Resolve(string value, ParquetType type, ReadOnlySpan<string> path, out string problem)
    {
        problem = "";
        switch (type.Kind)
        {
            case DuckDbType.Struct:
                return Field(value, type, path, out problem);
            case DuckDbType.List or DuckDbType.Array:
                ParquetType element = type.Children[0].Type;
                while (path.Length > 0 && Array.IndexOf(s_listLevels, path[0]) >= 0 && !HasField(element, path[0]))
                {
                    path = path[1..];
                }

                return Each(value, element, path, out problem);
            case DuckDbType.Map:
                return Entry(value, type, path, out problem);
            default:
                if (path.Length == 0)
                {
                    return new Expression(value, false, type);
                }

                problem = $"there is nothing below it called '{path[0]}'";
                return null;
        }
    }

    private static Expression? Field(string value, ParquetType type, ReadOnlySpan<string> path, out string problem)
    {
        // A struct with one text field can mean only that one.
        if (path.Length == 0)
        {
            (string Name, ParquetType Type)[] texts = [.. type.Children.Where(c => c.Type.Leaves("").Any())];
            problem = texts.Length == 0 ? "it is a STRUCT without text or binary fields" : "it is a STRUCT with several text or binary fields";
            return texts.Length == 1 ? Resolve(Extract(value, texts[0].Name), texts[0].Type, path, out problem) : null;
        }

        int field = FieldIndex(type, path[0]);
        if (field < 0)
        {
            problem = $"it has no field '{path[0]}'";
            return null;
        }

        return Resolve(Extract(value, type.Children[field].Name), type.Children[field].Type, path[1..], out problem);
    }

    private static Expression? Entry(string value, ParquetType type, ReadOnlySpan<string> path, out string problem)
    {
        if (path.Length > 0 && Array.IndexOf(s_mapLevels, path[0]) >= 0)
        {
            path = path[1..];
        }

        bool key;
        if (path.Length > 0 && path[0] is "key" or "value")
        {
            key = path[0] == "key";
            path = path[1..];
        }
        else
        {
            bool inKey = type.Children[0].Type.Leaves("").Any();
            if (path.Length > 0 || inKey == type.Children[1].Type.Leaves("").Any())
            {
                problem = "it is a MAP: end the path with .key or .value";
                return null;
            }

            key = inKey;
        }

        return Each($"{(key ? "map_keys" : "map_values")}({value})", type.Children[key ? 0 : 1].Type, path, out problem);
    }

    private static Expression? Each(string list, ParquetType element, ReadOnlySpan<string> path, out string problem)
    {
        // Variables of inner lists need names of their own; the text's length only grows inwards.
        string variable = $"x{list.Length}";
        if (Resolve(variable, element, path, out problem) is not Expression inner)
        {
            return null;
        }

        string each = inner.Sql == variable ? list : $"list_transform({list}, lambda {variable}: {inner.Sql})";
        return inner with { Sql = inner.IsList ? $"flatten({each})" : each, IsList = true };
    }

    private static string Extract(string value, string field) => $"struct_extract({value}, {Sql.Text(field)})";

    private static bool HasField(ParquetType type, string name) => type.Kind == DuckDbType.Struct && FieldIndex(type, name) >= 0;

    private static int FieldIndex(ParquetType type, string name)
    {
        for (int pass = 0; pass < 2; pass++)
        {
            for (int i = 0; i < type.Children.Count; i++)
            {
                if (string.Equals(type.Children[i].Name, name, pass == 0 ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase))
                {
                    return i;
                }
            }
        }

        return -1;
    }
}
