using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>Overrides of a suite, in which elements of its lists go by their names: people do not count.</summary>
internal static class SuiteOverrides
{
    private static readonly string[] s_lists = ["tasks", "recipes", "models"];

    /// <summary>The same arguments with places for names: <c>models.cnn.recipe=x</c> becomes <c>models[2].recipe=x</c>.</summary>
    /// <exception cref="ConfigException">A list has no element of such a name.</exception>
    internal static IEnumerable<string> ByPlace(ConfigTree suite, IEnumerable<string> overrides)
    {
        JsonObject root = suite.ToNode();
        return [.. overrides.Select(o => ByPlace(root, o))];
    }

    private static string ByPlace(JsonObject root, string argument)
    {
        string? list = s_lists.FirstOrDefault(l => argument.StartsWith(l + ".", StringComparison.Ordinal));
        if (list is null || root[list] is not JsonArray elements)
        {
            return argument;
        }

        string rest = argument[(list.Length + 1)..];
        string[] names = [.. elements.Select(e => e?["name"]?.ToString() ?? "")];
        // Names may hold points, and one may begin with another: the longest that fits is meant.
        string? name = names.Where(n => n.Length > 0 && rest.StartsWith(n + ".", StringComparison.Ordinal)).MaxBy(n => n.Length);
        return name is not null
            ? FormattableString.Invariant($"{list}[{Array.IndexOf(names, name)}]{rest[name.Length..]}")
            : throw new ConfigException(new ConfigProblem(list, $"nothing there is called '{rest.Split('.', '=')[0]}'", new ConfigLocation($"override '{argument}'"),
                $"one of {string.Join(", ", names)}", $"{list}.{names.FirstOrDefault() ?? "NAME"}.KEY=VALUE"));
    }
}
