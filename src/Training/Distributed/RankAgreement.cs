using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Distributed;

/// <summary>What all ranks must have in common before they train: named values, compared over all of them.</summary>
internal static class RankAgreement
{
    // Where data lie may differ between hosts; that they are the same is known by their digests.
    private static readonly string[] s_free = ["data.files", "data.split_bed", "data.sources"];

    /// <summary>The settings of a run, by their paths.</summary>
    internal static IEnumerable<(string Field, string Value)> Fields(RunConfig config) =>
        Leaves("", ConfigWriter.ToNode(config, RunConfigJson.Default.RunConfig)).Where(f => !Array.Exists(s_free, free => f.Field == free));

    /// <summary>Values as a text that <see cref="Compare"/> reads.</summary>
    internal static string Write(IEnumerable<(string Field, string Value)> fields)
    {
        var text = new JsonObject();
        foreach ((string field, string value) in fields)
        {
            text[field] = value;
        }

        return text.ToJsonString();
    }

    /// <summary>Compares the texts of all ranks.</summary>
    /// <returns>A sentence that names the first field that differs, its values and their ranks; null when nothing does.</returns>
    internal static string? Compare(IReadOnlyList<string> texts)
    {
        JsonObject[] ranks = [.. texts.Select(t => JsonNode.Parse(t)!.AsObject())];
        string[] fields = [.. ranks.SelectMany(r => r.Select(f => f.Key)).Distinct()];
        string[] differing = [.. fields.Where(f => ranks.Select(r => Value(r, f)).Distinct().Count() > 1)];
        if (differing.Length == 0)
        {
            return null;
        }

        string field = differing[0];
        IEnumerable<string> groups = ranks.Select((r, i) => (Value: Value(r, field), Rank: i)).GroupBy(r => r.Value)
            .Select(g => $"{g.Key} on {(g.Count() == 1 ? "rank" : "ranks")} {Name(g.Select(r => r.Rank))}");
        string more = differing.Length == 1 ? "" : string.Create(CultureInfo.InvariantCulture,
            $" ({differing.Length - 1} more {(differing.Length == 2 ? "field differs" : "fields differ")}: {string.Join(", ", differing.Skip(1).Take(5))})");
        return $"the ranks do not agree: {field} is {string.Join(" and ", groups)}{more}";
    }

    /// <summary>Ranks in few words: <c>0, 2-5</c>.</summary>
    internal static string Name(IEnumerable<int> ranks)
    {
        int[] all = [.. ranks.Order()];
        var text = new StringBuilder();
        for (int i = 0; i < all.Length;)
        {
            int j = i;
            while (j + 1 < all.Length && all[j + 1] == all[j] + 1)
            {
                j++;
            }

            text.Append(text.Length > 0 ? ", " : "").Append(CultureInfo.InvariantCulture, $"{all[i]}");
            if (j > i)
            {
                text.Append(CultureInfo.InvariantCulture, $"-{all[j]}");
            }

            i = j + 1;
        }

        return text.ToString();
    }

    private static string Value(JsonObject rank, string field) => rank[field]?.GetValue<string>() ?? "absent";

    private static IEnumerable<(string Field, string Value)> Leaves(string path, JsonNode? node) => node is JsonObject group && group.Count > 0
        ? group.SelectMany(f => Leaves(path.Length == 0 ? f.Key : $"{path}.{f.Key}", f.Value))
        : [(path, node is null ? "null" : node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : node.ToJsonString())];
}
