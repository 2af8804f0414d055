using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace GenoSeq.Training.Configuration;

/// <summary>Compares a tree with a record's metadata and collects every unknown key, missing key and wrong type.</summary>
internal sealed class ConfigChecker(ConfigTree tree)
{
    private readonly List<ConfigProblem> _problems = [];

    public void ThrowIfAny()
    {
        if (_problems.Count > 0)
        {
            throw new ConfigException(_problems);
        }
    }

    public void Check(JsonNode? node, JsonTypeInfo type, string path)
    {
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object when node is JsonObject group:
                CheckGroup(group, type, path);
                break;
            case JsonTypeInfoKind.Enumerable when node is JsonArray array:
                JsonTypeInfo element = ConfigMetadata.Of(type, type.ElementType!);
                for (int i = 0; i < array.Count; i++)
                {
                    CheckValue(array[i], element, ConfigPath.Append(path, i), AllowsNull(type.ElementType!));
                }

                break;
            case JsonTypeInfoKind.Dictionary when node is JsonObject entries:
                JsonTypeInfo entryType = ConfigMetadata.Of(type, type.ElementType!);
                foreach ((string key, JsonNode? entry) in entries)
                {
                    CheckValue(entry, entryType, ConfigPath.Append(path, key), AllowsNull(type.ElementType!));
                }

                break;
            case JsonTypeInfoKind.None:
                CheckScalar(node, type, path);
                break;
            default:
                string example = type.Kind == JsonTypeInfoKind.Enumerable ? "a sequence" : "a group of keys";
                string? hint = type.Kind == JsonTypeInfoKind.Enumerable && node is JsonValue ? $"[{Show(node)}]" : null;
                Add(path, $"{Show(node)} is {KindOf(node)}", example, hint);
                break;
        }
    }

    private void CheckValue(JsonNode? node, JsonTypeInfo type, string path, bool allowsNull)
    {
        if (node is not null)
        {
            Check(node, type, path);
        }
        else if (!allowsNull)
        {
            Add(path, "the value is null", Describe(type));
        }
    }

    private void CheckGroup(JsonObject group, JsonTypeInfo declared, string path)
    {
        JsonTypeInfo? type = ConfigMetadata.Concrete(declared, group);
        string? discriminator = declared.PolymorphismOptions?.TypeDiscriminatorPropertyName;
        if (type is null)
        {
            ReportDiscriminator(group, declared, path);
            return;
        }

        Dictionary<string, JsonPropertyInfo> known = ConfigMetadata.Settable(type).ToDictionary(p => p.Name, StringComparer.Ordinal);
        foreach ((string key, JsonNode? value) in group)
        {
            string keyPath = ConfigPath.Append(path, key);
            if (known.TryGetValue(key, out JsonPropertyInfo? property))
            {
                CheckValue(value, ConfigMetadata.Of(type, property.PropertyType), keyPath, ConfigMetadata.AllowsNull(property));
            }
            else if (key != discriminator)
            {
                ReportUnknown(key, keyPath, path, type, known);
            }
        }

        foreach (JsonPropertyInfo property in known.Values.Where(p => p.IsRequired && !group.ContainsKey(p.Name)))
        {
            string keyPath = ConfigPath.Append(path, property.Name);
            Add(keyPath, "the key is required and missing", Describe(ConfigMetadata.Of(type, property.PropertyType)), $"{keyPath}=…");
        }
    }

    private void ReportUnknown(
        string key, string keyPath, string path, JsonTypeInfo type, Dictionary<string, JsonPropertyInfo> known)
    {
        string where = path.Length == 0 ? "at the top level" : $"in {path}";
        if (type.Properties.Any(p => p.Name == key && p.Get is not null))
        {
            Add(keyPath, $"'{key}' is derived from other keys and cannot be set", null, "removing it");
            return;
        }

        // A key that has another name now is no misspelling: its successor may not look like it at all.
        IReadOnlyList<string> near = known.Values.FirstOrDefault(p => ConfigMetadata.FormerName(p, key) is not null) is { } renamed
            ? [ConfigMetadata.FormerName(renamed, key)! is { Length: > 0 } how ? $"{renamed.Name} ({how})" : renamed.Name]
            : NearestName.Suggest(key, known.Keys);
        string valid = $"one of the keys {where}: {string.Join(", ", known.Keys)}";
        Add(keyPath, $"unknown key '{key}'", valid, near.Count > 0 ? string.Join(" or ", near) : null);
    }

    private void ReportDiscriminator(JsonObject group, JsonTypeInfo declared, string path)
    {
        string key = declared.PolymorphismOptions!.TypeDiscriminatorPropertyName;
        IReadOnlyList<string> choices = ConfigMetadata.Choices(declared);
        string given = group[key] is { } value ? Show(value) : string.Empty;
        IReadOnlyList<string> near = NearestName.Suggest(given.Trim('\''), choices);
        string what = given.Length == 0 ? "the key is required and missing" : $"{given} is unknown";
        Add(ConfigPath.Append(path, key), what, "one of " + string.Join(", ", choices), near.Count > 0 ? string.Join(" or ", near) : null);
    }

    private void CheckScalar(JsonNode? node, JsonTypeInfo type, string path)
    {
        Type target = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        JsonValueKind kind = node?.GetValueKind() ?? JsonValueKind.Null;
        string? hint = null;
        bool fits;
        if (target == typeof(string))
        {
            fits = kind == JsonValueKind.String;
            hint = node is JsonValue ? $"quotes: \"{node.ToJsonString()}\"" : null;
        }
        else if (target == typeof(bool))
        {
            fits = kind is JsonValueKind.True or JsonValueKind.False;
            string word = Show(node).Trim('\'').ToLowerInvariant();
            hint = word is "yes" or "on" or "1" ? "true" : word is "no" or "off" or "0" ? "false" : null;
        }
        else if (target.IsEnum)
        {
            IReadOnlyList<string> words = ConfigMetadata.EnumWords(type);
            fits = kind == JsonValueKind.String && words.Contains(node!.GetValue<string>());
            IReadOnlyList<string> near = NearestName.Suggest(Show(node).Trim('\''), words);
            hint = near.Count > 0 ? string.Join(" or ", near) : null;
        }
        else
        {
            fits = Converts(node, type);
        }

        if (!fits)
        {
            string what = target.IsEnum && kind == JsonValueKind.String ? "unknown" : KindOf(node);
            Add(path, $"{Show(node)} is {what}", Describe(type), hint);
        }
    }

    // Numbers and everything with a converter of its own: the converter is the judge (range, fraction, form).
    private static bool Converts(JsonNode? node, JsonTypeInfo type)
    {
        try
        {
            JsonSerializer.Deserialize(node, type);
            return true;
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            return false;
        }
    }

    private void Add(string path, string what, string? expected, string? hint = null) =>
        _problems.Add(new ConfigProblem(path, what, tree.LocationOf(path), expected, hint));

    private static bool AllowsNull(Type element) => Nullable.GetUnderlyingType(element) is not null;

    private static string Describe(JsonTypeInfo type)
    {
        Type target = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        return type.Kind switch
        {
            JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => "a group of keys",
            JsonTypeInfoKind.Enumerable => "a sequence",
            _ when target.IsEnum => "one of " + string.Join(", ", ConfigMetadata.EnumWords(type)),
            _ when target == typeof(string) => "text",
            _ when target == typeof(bool) => "true or false",
            _ when target == typeof(int) => "an integer from -2147483648 to 2147483647",
            _ when target == typeof(uint) || target == typeof(ulong) || target == typeof(byte) => "an integer of at least 0",
            _ when target == typeof(long) || target == typeof(short) => "an integer",
            _ when target == typeof(float) || target == typeof(double) || target == typeof(decimal) => "a number",
            _ => target.Name,
        };
    }

    private static string KindOf(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject => "a group",
        JsonArray => "a sequence",
        _ => node.GetValueKind() switch
        {
            JsonValueKind.String => "text",
            JsonValueKind.Number when node.ToJsonString().AsSpan().ContainsAny('.', 'e', 'E') => "a number",
            JsonValueKind.Number => "an integer",
            _ => "a boolean",
        },
    };

    private static string Show(JsonNode? node)
    {
        string text = node switch
        {
            null => "null",
            JsonValue value when value.GetValueKind() == JsonValueKind.String => $"'{value.GetValue<string>()}'",
            _ => node.ToJsonString(),
        };
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}
