using System.Collections;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Tests.Docs;

/// <summary>Renders the table of configuration keys from the records: names and defaults by reflection, meaning from their comments.</summary>
internal static partial class ConfigKeyTable
{
    public const string Begin = "<!-- keys: generated from the configuration records -->";
    public const string End = "<!-- end of keys -->";

    public sealed record Key(string Path, string Kind, string Default, string Meaning);

    /// <summary>Every key, in the order of declaration.</summary>
    public static IReadOnlyList<Key> Keys(Type root)
    {
        List<Key> keys = [];
        Add(keys, root, "", new Dictionary<string, string>(
            // Code that a generator made has the same names in every assembly.
            Comments(typeof(RunConfig)).Concat(Comments(typeof(Models.ModelConfig))).DistinctBy(c => c.Key)));
        return keys;
    }

    /// <summary>The table, with its markers.</summary>
    public static string Render(Type root)
    {
        StringBuilder text = new();
        text.Append(Begin).Append("\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
        foreach (Key key in Keys(root))
        {
            text.Append($"| `{key.Path}` | {key.Kind} | {(key.Default.Length == 0 ? "" : $"`{key.Default}`")} | {key.Meaning} |\n");
        }

        return text.Append(End).ToString();
    }

    private static void Add(List<Key> keys, Type type, string prefix, Dictionary<string, string> comments)
    {
        object defaults = Activator.CreateInstance(type)!;
        foreach (PropertyInfo property in type.GetProperties().Where(p => p.CanWrite))
        {
            string path = prefix + JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            string meaning = comments.GetValueOrDefault($"P:{type.FullName}.{property.Name}")
                ?? throw new InvalidOperationException($"{type.Name}.{property.Name} has no comment");
            Type inner = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            object? value = property.GetValue(defaults);
            if (inner.Assembly != typeof(string).Assembly && !inner.IsEnum)
            {
                if (value is null)
                {
                    keys.Add(new Key(path, "group", "null", meaning));
                }

                // Groups within groups of the same kind have the same keys.
                if (inner != type)
                {
                    Add(keys, inner, path + ".", comments);
                }

                continue;
            }

            keys.Add(new Key(path, Kind(inner), Text(value), meaning));
            if (inner.IsGenericType && inner.GetGenericArguments()[0] is { IsEnum: false } element && element.Assembly != typeof(string).Assembly)
            {
                Add(keys, element, path + "[].", comments);
            }
        }
    }

    private static string Kind(Type type)
    {
        if (type.IsEnum)
        {
            return string.Join(", ", Enum.GetNames(type).Select(n => $"`{JsonNamingPolicy.SnakeCaseLower.ConvertName(n)}`"));
        }

        return Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => "true, false",
            TypeCode.Int32 or TypeCode.Int64 => "integer",
            TypeCode.Single or TypeCode.Double => "number",
            TypeCode.String => "text",
            _ => "list",
        };
    }

    private static string Text(object? value) => value switch
    {
        null => "null",
        string text => text,
        bool flag => flag ? "true" : "false",
        Enum word => JsonNamingPolicy.SnakeCaseLower.ConvertName(word.ToString()),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object>())}]",
        _ => JsonSerializer.Serialize(value),
    };

    // Summaries by member, from the documentation file that the compiler writes beside the assembly.
    private static IEnumerable<KeyValuePair<string, string>> Comments(Type type)
    {
        string file = Path.ChangeExtension(type.Assembly.Location, ".xml");
        foreach (XElement member in XDocument.Load(file).Descendants("member"))
        {
            if (member.Element("summary") is { } summary)
            {
                yield return new((string)member.Attribute("name")!, Plain(summary));
            }
        }
    }

    private static string Plain(XElement summary)
    {
        IEnumerable<string> parts = summary.Nodes().Select(node => node switch
        {
            XText text => text.Value,
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement see => $"`{Last(((string?)see.Attribute("cref") ?? see.Value).Split('.', ':')[^1])}`",
            _ => "",
        });
        return Blanks().Replace(string.Concat(parts), " ").Trim().TrimEnd('.').Replace("|", "\\|", StringComparison.Ordinal);

        static string Last(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
