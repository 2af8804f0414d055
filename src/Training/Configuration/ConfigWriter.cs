using System.Collections;
using System.ComponentModel;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace GenoSeq.Training.Configuration;

/// <summary>Writes a configuration record as YAML for people, or as JSON for programs.</summary>
/// <remarks>
/// Keys come in the order of declaration, every one of them (derived values are left out), so the same record is always the same
/// bytes, and binding what was written gives an equal record. Numbers round-trip. The YAML also reads the same under YAML 1.1.
/// </remarks>
public static class ConfigWriter
{
    private static readonly JsonWriterOptions s_json = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The record as block YAML.</summary>
    /// <param name="record">The record.</param>
    /// <param name="typeInfo">Its source-generated metadata.</param>
    /// <param name="doc">
    /// A comment for a path, null for none; without it, comments come from <see cref="DescriptionAttribute"/> on the properties.
    /// </param>
    public static string ToYaml<T>(T record, JsonTypeInfo<T> typeInfo, Func<string, string?>? doc = null)
        where T : class
    {
        Dictionary<string, string> described = [];
        JsonObject tree = (JsonObject)Node(record, typeInfo, string.Empty, described)!;
        return YamlText.Write(tree, path => doc is null ? described.GetValueOrDefault(path) : doc(path));
    }

    /// <summary>The record as indented JSON, ending in a line feed.</summary>
    public static string ToJson<T>(T record, JsonTypeInfo<T> typeInfo)
        where T : class
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter writer = new(buffer, s_json))
        {
            ToNode(record, typeInfo).WriteTo(writer);
        }

        return Encoding.UTF8.GetString(buffer.ToArray()).ReplaceLineEndings("\n") + "\n";
    }

    /// <summary>The record as a tree of values, for <see cref="ConfigTree.FromNode"/> (a preset) or a comparison.</summary>
    public static JsonObject ToNode<T>(T record, JsonTypeInfo<T> typeInfo)
        where T : class => (JsonObject)Node(record, typeInfo, string.Empty, [])!;

    private static JsonNode? Node(object? value, JsonTypeInfo declared, string path, Dictionary<string, string> docs)
    {
        switch (value)
        {
            case null:
                return null;
            case not null when declared.Kind == JsonTypeInfoKind.Object:
                return Group(value, declared, path, docs);
            case IDictionary entries when declared.Kind == JsonTypeInfoKind.Dictionary:
                JsonTypeInfo entryType = ConfigMetadata.Of(declared, declared.ElementType!);
                JsonObject map = [];
                foreach (DictionaryEntry entry in entries)
                {
                    string key = entry.Key.ToString()!;
                    map[key] = Node(entry.Value, entryType, ConfigPath.Append(path, key), docs);
                }

                return map;
            case IEnumerable items when declared.Kind == JsonTypeInfoKind.Enumerable:
                JsonTypeInfo element = ConfigMetadata.Of(declared, declared.ElementType!);
                JsonArray array = [];
                foreach (object? item in items)
                {
                    array.Add(Node(item, element, ConfigPath.Append(path, array.Count), docs));
                }

                return array;
            case double.NaN or double.PositiveInfinity or double.NegativeInfinity:
            case float.NaN or float.PositiveInfinity or float.NegativeInfinity:
                throw new ConfigException(new ConfigProblem(path, $"the number {value} is not finite", Expected: "a finite number or null"));
            case double number:
                return JsonValue.Create(number);
            case float number:
                return JsonValue.Create(number);
            default:
                return JsonSerializer.SerializeToNode(value, declared);
        }
    }

    private static JsonObject Group(object value, JsonTypeInfo declared, string path, Dictionary<string, string> docs)
    {
        (JsonTypeInfo type, string? key, string? discriminator) = ConfigMetadata.Concrete(declared, value);
        JsonObject group = [];
        if (key is not null)
        {
            group[key] = discriminator;
        }

        foreach (JsonPropertyInfo property in ConfigMetadata.Settable(type))
        {
            string keyPath = ConfigPath.Append(path, property.Name);
            if (property.AttributeProvider?.GetCustomAttributes(typeof(DescriptionAttribute), true) is [DescriptionAttribute described])
            {
                docs[keyPath] = described.Description;
            }

            group[property.Name] = Node(property.Get!(value), ConfigMetadata.Of(type, property.PropertyType), keyPath, docs);
        }

        return group;
    }
}
