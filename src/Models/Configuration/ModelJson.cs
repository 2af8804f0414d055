using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace GenoSeq.Models;

/// <summary>JSON form of a model configuration: snake_case, unknown keys refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(ModelConfig))]
public sealed partial class ModelJson : JsonSerializerContext
{
    /// <summary>Writes a configuration as a JSON object.</summary>
    public static JsonObject Write(ModelConfig config) =>
        JsonSerializer.SerializeToNode(config, Default.ModelConfig)!.AsObject();

    /// <summary>Reads a configuration that <see cref="Write"/> wrote.</summary>
    /// <exception cref="JsonException">A key is unknown or a value has the wrong type.</exception>
    public static ModelConfig Read(JsonNode node)
    {
        // Keys that an older program did not write take their defaults, which the generated reader alone would not give them.
        JsonObject whole = Write(new ModelConfig());
        if (node is not JsonObject given)
        {
            throw new JsonException("the model configuration is not an object");
        }

        Overlay(whole, given);
        return whole.Deserialize(Default.ModelConfig) ?? throw new JsonException("the model configuration is null");
    }

    private static void Overlay(JsonObject below, JsonObject above)
    {
        foreach ((string key, JsonNode? value) in above)
        {
            if (below[key] is JsonObject b && value is JsonObject a)
            {
                Overlay(b, a);
            }
            else
            {
                below[key] = value?.DeepClone();
            }
        }
    }
}
