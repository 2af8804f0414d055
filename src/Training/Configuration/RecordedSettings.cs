using System.Text.Json.Nodes;

namespace GenoSeq.Training.Configuration;

/// <summary>Settings in a result's file beside those of today.</summary>
internal static class RecordedSettings
{
    /// <summary>
    /// Whether a result was made with these settings. A setting that the program had not learnt yet when it wrote the file counts as its
    /// default, which is what older programs did.
    /// </summary>
    /// <param name="was">The file's settings.</param>
    /// <param name="now">Today's.</param>
    /// <param name="defaults">Today's settings where nothing is set, laid out likewise; what it lacks must be in the file.</param>
    internal static bool Same(JsonObject was, JsonObject now, JsonObject defaults) =>
        was.All(p => now.ContainsKey(p.Key)) && now.All(p => !was.TryGetPropertyValue(p.Key, out JsonNode? old)
            ? defaults.TryGetPropertyValue(p.Key, out JsonNode? untouched) && JsonNode.DeepEquals(untouched, p.Value)
            : old is JsonObject oldGroup && p.Value is JsonObject group ? Same(oldGroup, group, defaults[p.Key] as JsonObject ?? [])
            : JsonNode.DeepEquals(old, p.Value));

    /// <summary>Every single setting by its dotted path, as JSON text.</summary>
    internal static Dictionary<string, string> Leaves(JsonObject root)
    {
        var leaves = new Dictionary<string, string>(StringComparer.Ordinal);
        Add("", root);
        return leaves;

        void Add(string path, JsonNode? node)
        {
            if (node is JsonObject group)
            {
                foreach ((string key, JsonNode? value) in group)
                {
                    Add(ConfigPath.Append(path, key), value);
                }
            }
            else
            {
                leaves[path] = node?.ToJsonString() ?? "null";
            }
        }
    }
}
