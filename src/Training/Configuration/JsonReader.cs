using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GenoSeq.Training.Configuration;

/// <summary>Reads JSON (comments and trailing commas allowed) to the same tree as <see cref="YamlReader"/>.</summary>
internal static class JsonReader
{
    /// <summary>The document's root.</summary>
    /// <exception cref="ConfigException">The text is not well-formed.</exception>
    public static JsonNode? Read(string text, string source, Dictionary<string, ConfigLocation> locations)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Utf8JsonReader reader = new(utf8, new JsonReaderOptions
        {
            CommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
            MaxDepth = YamlReader.MaxDepth,
        });
        Cursor cursor = new(utf8, source, locations);
        try
        {
            reader.Read();
            JsonNode? root = Node(ref reader, cursor, string.Empty);
            reader.Read();
            return root;
        }
        catch (JsonException error)
        {
            ConfigLocation at = new(source, (int)(error.LineNumber ?? 0) + 1, (int)(error.BytePositionInLine ?? 0) + 1);
            string what = error.Message.Split(" LineNumber:", 2)[0].TrimEnd('.');
            throw new ConfigException(new ConfigProblem(string.Empty, "this is not well-formed JSON: " + what, at, "one JSON object"));
        }
    }

    private static JsonNode? Node(ref Utf8JsonReader reader, Cursor cursor, string path)
    {
        ConfigLocation here = cursor.At(reader.TokenStartIndex);
        cursor.Locations.TryAdd(path, here);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return Group(ref reader, cursor, path);
            case JsonTokenType.StartArray:
                JsonArray array = [];
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    array.Add(Node(ref reader, cursor, ConfigPath.Append(path, array.Count)));
                }

                return array;
            case JsonTokenType.String:
                return JsonValue.Create(reader.GetString());
            case JsonTokenType.Number:
                try
                {
                    return YamlScalars.Resolve(Encoding.UTF8.GetString(reader.ValueSpan));
                }
                catch (FormatException error)
                {
                    throw new ConfigException(new ConfigProblem(path, error.Message, here));
                }

            case JsonTokenType.True:
                return JsonValue.Create(true);
            case JsonTokenType.False:
                return JsonValue.Create(false);
            default:
                return null;
        }
    }

    private static JsonObject Group(ref Utf8JsonReader reader, Cursor cursor, string path)
    {
        JsonObject group = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string key = reader.GetString()!;
            string keyPath = ConfigPath.Append(path, key);
            ConfigLocation here = cursor.At(reader.TokenStartIndex);
            if (group.ContainsKey(key))
            {
                string what = $"key '{key}' appears twice; the first is at {cursor.Locations[keyPath]}";
                throw new ConfigException(new ConfigProblem(keyPath, what, here, "each key once", "leave out one of the two"));
            }

            cursor.Locations[keyPath] = here;
            reader.Read();
            group[key] = Node(ref reader, cursor, keyPath);
        }

        return group;
    }

    /// <summary>Turns byte offsets, which only grow, into lines and columns in one pass over the text.</summary>
    private sealed class Cursor(byte[] utf8, string source, Dictionary<string, ConfigLocation> locations)
    {
        private int _offset;
        private int _line = 1;
        private int _column = 1;

        public Dictionary<string, ConfigLocation> Locations => locations;

        public ConfigLocation At(long offset)
        {
            for (; _offset < offset; _offset++)
            {
                if (utf8[_offset] == (byte)'\n')
                {
                    _line++;
                    _column = 1;
                }
                else if ((utf8[_offset] & 0xC0) != 0x80)
                {
                    _column++;
                }
            }

            return new ConfigLocation(source, _line, _column);
        }
    }
}
