using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GenoSeq.Models.Families;

/// <summary>Reads keys of other projects' configuration files, with errors that name the key and the file.</summary>
internal sealed class ConfigKeys(JsonObject config, string file)
{
    internal static string? ModelType(JsonObject config) =>
        config["model_type"] is JsonValue v && v.TryGetValue(out string? s) ? s : null;

    internal bool Has(string key) => config[key] is not null;

    internal int Int(string key, int? fallback = null)
    {
        if (config[key] is null)
        {
            return fallback ?? throw Missing(key);
        }

        return config[key] is JsonValue v && v.TryGetValue(out int i) ? i : throw Wrong(key, "an integer");
    }

    internal double Number(string key, double fallback)
    {
        if (config[key] is null)
        {
            return fallback;
        }

        return config[key] is JsonValue v && v.TryGetValue(out double d) ? d : throw Wrong(key, "a number");
    }

    /// <summary>A pair of numbers, either of which may be infinite however the writer put it: 1e999, "Infinity", {"__float__": "Infinity"}.</summary>
    internal (double Low, double High) Range(string key, double low, double high)
    {
        return config[key] switch
        {
            null => (low, high),
            JsonArray { Count: 2 } a when Bound(a[0]) is { } l && Bound(a[1]) is { } h => (l, h),
            _ => throw Wrong(key, "two numbers"),
        };

        static double? Bound(JsonNode? node) => node switch
        {
            JsonValue v when v.TryGetValue(out double d) => d,
            JsonValue v when v.TryGetValue(out string? s) && s is "Infinity" => double.PositiveInfinity,
            JsonObject o => Bound(o["__float__"]),
            _ => null,
        };
    }

    internal bool Flag(string key, bool fallback)
    {
        return config[key] switch
        {
            null => fallback,
            JsonValue v when v.TryGetValue(out bool b) => b,
            // Caduceus's own recipe has `bidirectional: true,` with a stray comma, which parses to this string.
            JsonValue v when v.TryGetValue(out string? s) && s is "true," => true,
            _ => throw Wrong(key, "true or false"),
        };
    }

    internal string Text(string key, string fallback)
    {
        if (config[key] is null)
        {
            return fallback;
        }

        return config[key] is JsonValue v && v.TryGetValue(out string? s) ? s : throw Wrong(key, "text");
    }

    /// <summary>An integer, or 0 for "auto" or nothing.</summary>
    internal int IntOrAuto(string key) =>
        config[key] is JsonValue v && v.TryGetValue(out string? s) && s == "auto" ? 0 : Int(key, 0);

    internal ConfigKeys? Object(string key) => config[key] is JsonObject o ? new ConfigKeys(o, file) : null;

    internal void Expect(string key, string fallback, params string[] supported)
    {
        string value = Text(key, fallback);
        if (!supported.Contains(value))
        {
            throw new CheckpointException($"{key} is '{value}', which GenoSeq does not build", file,
                string.Join(" or ", supported), "another checkpoint");
        }
    }

    internal void Expect(string key, bool value, bool fallback)
    {
        if (Flag(key, fallback) != value)
        {
            throw new CheckpointException($"{key} is {(!value).ToString(CultureInfo.InvariantCulture).ToLowerInvariant()}, which GenoSeq does not build",
                file, value ? "true" : "false", "another checkpoint");
        }
    }

    private CheckpointException Missing(string key) =>
        new($"the key {key} is missing", file, "a complete configuration", "download config.json again");

    private CheckpointException Wrong(string key, string expected) =>
        new($"{key} is {JsonSerializer.Serialize(config[key]?.ToJsonString() ?? "null", KeyJson.Default.String)}", file, expected, "correct the key");
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class KeyJson : System.Text.Json.Serialization.JsonSerializerContext;
