using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace GenoSeq.Training.Configuration;

/// <summary>Writes a tree of values as block YAML, sequences of single values in flow form.</summary>
public static partial class YamlText
{
    /// <summary>The tree as YAML text, ending in a line feed.</summary>
    /// <param name="tree">The values.</param>
    /// <param name="doc">A trailing comment for a path, null for none.</param>
    public static string Write(JsonObject tree, Func<string, string?>? doc = null)
    {
        StringBuilder text = new();
        if (tree.Count == 0)
        {
            return "{}\n";
        }

        Group(text, tree, string.Empty, 0, firstIndented: false, doc ?? (static _ => null));
        return text.ToString();
    }

    /// <summary>A single value as it is written in YAML: quoted only when it would otherwise not read as itself.</summary>
    public static string Scalar(JsonNode? value) => value switch
    {
        null => "null",
        JsonValue single when single.GetValueKind() == JsonValueKind.String => Text(single.GetValue<string>()),
        JsonValue single when single.GetValueKind() == JsonValueKind.Number => Number(single),
        _ => value.ToJsonString(),
    };

    private static void Group(
        StringBuilder text, JsonObject group, string path, int indent, bool firstIndented, Func<string, string?> doc)
    {
        foreach ((string key, JsonNode? value) in group)
        {
            string keyPath = ConfigPath.Append(path, key);
            text.Append(' ', firstIndented ? 0 : indent).Append(Text(key)).Append(':');
            firstIndented = false;
            switch (value)
            {
                case JsonObject { Count: > 0 } inner:
                    EndLine(text, doc(keyPath));
                    Group(text, inner, keyPath, indent + 2, firstIndented: false, doc);
                    break;
                case JsonArray array when !array.All(IsFlow):
                    EndLine(text, doc(keyPath));
                    Items(text, array, keyPath, indent + 2, doc);
                    break;
                default:
                    text.Append(' ').Append(Flow(value));
                    EndLine(text, doc(keyPath));
                    break;
            }
        }
    }

    private static void Items(StringBuilder text, JsonArray array, string path, int indent, Func<string, string?> doc)
    {
        for (int i = 0; i < array.Count; i++)
        {
            text.Append(' ', indent).Append("- ");
            if (array[i] is JsonObject { Count: > 0 } inner)
            {
                Group(text, inner, ConfigPath.Append(path, i), indent + 2, firstIndented: true, doc);
            }
            else
            {
                text.Append(Flow(array[i]));
                EndLine(text, null);
            }
        }
    }

    private static bool IsFlow(JsonNode? node) => node is null or JsonValue or JsonObject { Count: 0 };

    private static string Flow(JsonNode? node) => node switch
    {
        JsonArray array => "[" + string.Join(", ", array.Select(Flow)) + "]",
        JsonObject group => "{" + string.Join(", ", group.Select(p => Text(p.Key) + ": " + Flow(p.Value))) + "}",
        _ => Scalar(node),
    };

    private static void EndLine(StringBuilder text, string? comment)
    {
        if (!string.IsNullOrWhiteSpace(comment))
        {
            text.Append("  # ").Append(comment.ReplaceLineEndings(" "));
        }

        text.Append('\n');
    }

    private static string Number(JsonValue value)
    {
        // JSON does not tell 3 from 3.0, so a value that still knows its type is asked.
        string text = value.ToJsonString();
        bool real = text.AsSpan().ContainsAny('.', 'e', 'E')
            || (!value.TryGetValue(out JsonElement _) && (value.TryGetValue(out double _) || value.TryGetValue(out float _)));
        return real ? Real(text) : text;
    }

    // "1E-05" becomes "1.0e-05" and "3" becomes "3.0": YAML 1.1 takes a number for a float only with point and signed exponent.
    private static string Real(string text)
    {
        int exponent = text.IndexOfAny(['e', 'E']);
        string mantissa = exponent < 0 ? text : text[..exponent];
        if (!mantissa.Contains('.', StringComparison.Ordinal))
        {
            mantissa += ".0";
        }

        return exponent < 0 ? mantissa : mantissa + "e" + text[(exponent + 1)..];
    }

    private static string Text(string value)
    {
        if (PlainPattern().IsMatch(value) && !ReservedPattern().IsMatch(value))
        {
            return value;
        }

        StringBuilder quoted = new("\"");
        foreach (char c in value)
        {
            // YAML's double quotes know JSON's escapes; all that is not printable ASCII or a plain letter is escaped.
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\t' => quoted.Append("\\t"),
                '\r' => quoted.Append("\\r"),
                _ when char.IsControl(c) || c is '\u2028' or '\u2029' or '\uFEFF' || (char.IsSurrogate(c) && !IsPaired(value))
                    => quoted.Append("\\u").Append(((int)c).ToString("X4", CultureInfo.InvariantCulture)),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }

    private static bool IsPaired(string value)
    {
        for (int i = 0; i < value.Length; i++)
        {
            if (char.IsHighSurrogate(value[i]) && i + 1 < value.Length && char.IsLowSurrogate(value[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(value[i]))
            {
                return false;
            }
        }

        return true;
    }

    // Starts as a word or a path, holds only what no YAML reader takes for syntax, and single spaces inside.
    [GeneratedRegex(@"^([A-Za-z_/]|\.{1,2}/)[A-Za-z0-9_./+=@%^*-]*( [A-Za-z0-9_./+=@%^*-]+)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainPattern();

    [GeneratedRegex(@"^(null|true|false|yes|no|on|off|y|n)\z", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex ReservedPattern();
}
