using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace GenoSeq.Training.Configuration;

/// <summary>Fills absent keys of a checked tree with the records' own defaults.</summary>
/// <remarks>
/// This is needed, not a convenience: source-generated deserialization passes every `init` property to one object initializer,
/// so that an absent key would become zero or null whatever default the record declares.
/// </remarks>
internal static class ConfigDefaults
{
    /// <summary>Completes <paramref name="node"/> in place.</summary>
    /// <param name="node">A value that passed <see cref="ConfigChecker"/>.</param>
    /// <param name="type">Metadata of its declared type.</param>
    /// <param name="fallback">
    /// The value that the enclosing record has there by default: <c>Optim = new() { LearningRate = 8e-3 }</c> keeps its rate when
    /// only <c>optim.weight_decay</c> is given.
    /// </param>
    public static void Fill(JsonNode? node, JsonTypeInfo type, object? fallback)
    {
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object when node is JsonObject group:
                FillGroup(group, type, fallback);
                break;
            case JsonTypeInfoKind.Enumerable when node is JsonArray array:
                JsonTypeInfo element = ConfigMetadata.Of(type, type.ElementType!);
                foreach (JsonNode? item in array)
                {
                    Fill(item, element, fallback: null);
                }

                break;
            case JsonTypeInfoKind.Dictionary when node is JsonObject entries:
                JsonTypeInfo entryType = ConfigMetadata.Of(type, type.ElementType!);
                foreach ((_, JsonNode? entry) in entries)
                {
                    Fill(entry, entryType, fallback: null);
                }

                break;
            default:
                break;
        }
    }

    private static void FillGroup(JsonObject group, JsonTypeInfo declared, object? fallback)
    {
        JsonTypeInfo type = ConfigMetadata.Concrete(declared, group)!;
        if (declared.PolymorphismOptions is { } polymorphism)
        {
            // The deserializer wants the discriminator first.
            string key = polymorphism.TypeDiscriminatorPropertyName;
            JsonNode? discriminator = group[key];
            group.Remove(key);
            group.Insert(0, key, discriminator);
        }

        object? source = fallback is not null && fallback.GetType() == type.Type ? fallback : ConfigMetadata.NewDefault(type);
        foreach (JsonPropertyInfo property in ConfigMetadata.Settable(type))
        {
            object? value = source is null ? null : property.Get!(source);
            JsonTypeInfo propertyType = ConfigMetadata.Of(type, property.PropertyType);
            if (group.TryGetPropertyValue(property.Name, out JsonNode? given))
            {
                Fill(given, propertyType, value);
            }
            else if (source is not null)
            {
                group[property.Name] = value is null ? null : JsonSerializer.SerializeToNode(value, propertyType);
            }
        }

        // Derived values that the serializer wrote for a default of this type are not settable.
        foreach (JsonPropertyInfo derived in type.Properties.Where(p => p.Set is null && p.AssociatedParameter is null))
        {
            group.Remove(derived.Name);
        }
    }
}
