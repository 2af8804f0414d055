using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace GenoSeq.Training.Configuration;

/// <summary>Reads one YAML document, event by event, to a tree of typed nodes that knows where each came from.</summary>
/// <remarks>No reflection: the parser's events are all that is used. Merge keys (<c>&lt;&lt;</c>, YAML 1.1) are refused.</remarks>
internal sealed class YamlReader
{
    /// <summary>Aliases repeat nodes; past this many nodes in all the document is an attack or a mistake.</summary>
    internal const int MaxNodes = 100_000;

    /// <summary>Deepest nesting accepted.</summary>
    internal const int MaxDepth = 64;

    private readonly Parser _parser;
    private readonly string _source;
    private readonly Dictionary<string, ConfigLocation> _locations;
    private readonly Dictionary<string, (JsonNode? Node, int Size)> _anchors = [];
    private int _nodes;

    private YamlReader(string text, string source, Dictionary<string, ConfigLocation> locations)
    {
        _parser = new Parser(new StringReader(text));
        _source = source;
        _locations = locations;
    }

    /// <summary>The document's root, null for an empty document.</summary>
    /// <exception cref="ConfigException">The text is not one well-formed document.</exception>
    public static JsonNode? Read(string text, string source, Dictionary<string, ConfigLocation> locations)
    {
        YamlReader reader = new(text, source, locations);
        try
        {
            return reader.Document();
        }
        catch (YamlException error)
        {
            throw reader.Error(string.Empty, error.Start, "this is not well-formed YAML: " + Reason(error), "keys and values such as `train:`, and indented below it `steps: 500`");
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or FormatException)
        {
            // The parser answers some malformed flow collections with these rather than with its own exception.
            Mark last = reader._parser.Current?.End ?? Mark.Empty;
            throw reader.Error(string.Empty, last, "this is not well-formed YAML: a bracket, quote or key near here is not finished", "every bracket and quote closed");
        }
    }

    private static string Reason(YamlException error)
    {
        string reason = (error.InnerException?.Message ?? error.Message).Trim().TrimEnd('.');
        return reason.Length > 0 ? char.ToLowerInvariant(reason[0]) + reason[1..] : "unknown reason";
    }

    private JsonNode? Document()
    {
        Next<StreamStart>();
        if (_parser.Current is null || !_parser.MoveNext() || _parser.Current is StreamEnd)
        {
            return null;
        }

        _parser.MoveNext();
        JsonNode? root = Node(string.Empty, 0);
        _parser.MoveNext();
        if (_parser.MoveNext() && _parser.Current is DocumentStart second)
        {
            throw Error(string.Empty, second.Start, "a second YAML document begins here", expected: "one document per file");
        }

        return root;
    }

    private void Next<T>()
        where T : ParsingEvent
    {
        if (!_parser.MoveNext() || _parser.Current is not T)
        {
            throw new InvalidOperationException($"The YAML parser gave {_parser.Current} in place of {typeof(T).Name}.");
        }
    }

    /// <summary>Reads the node whose first event is current; leaves its last event current.</summary>
    private JsonNode? Node(string path, int depth)
    {
        ParsingEvent current = _parser.Current!;
        _locations[path] = At(current.Start);
        if (depth > MaxDepth)
        {
            throw Error(path, current.Start, FormattableString.Invariant($"nesting is deeper than {MaxDepth} levels"));
        }

        Count(1, path, current.Start);
        if (current is AnchorAlias alias)
        {
            return Alias(alias, path);
        }

        int before = _nodes;
        JsonNode? node = current switch
        {
            Scalar scalar => Value(scalar, path),
            SequenceStart => Sequence(path, depth),
            MappingStart => Mapping(path, depth),
            _ => throw Error(path, current.Start, "a value was expected here"),
        };
        if (current is NodeEvent { Anchor.IsEmpty: false } anchored)
        {
            _anchors[anchored.Anchor.Value] = (node, 1 + _nodes - before);
        }

        return node;
    }

    private JsonNode? Alias(AnchorAlias alias, string path)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var anchored))
        {
            throw Error(path, alias.Start, $"alias *{alias.Value.Value} refers to no finished anchor before it");
        }

        // Counted before it is cloned: a bomb must cost nothing.
        Count(anchored.Size, path, alias.Start);
        return anchored.Node?.DeepClone();
    }

    private void Count(int nodes, string path, Mark mark)
    {
        _nodes += nodes;
        if (_nodes > MaxNodes)
        {
            throw Error(path, mark, FormattableString.Invariant($"aliases expand the document to more than {MaxNodes} values"));
        }
    }

    private JsonNode? Value(Scalar scalar, string path)
    {
        try
        {
            if (!scalar.Tag.IsEmpty && !scalar.Tag.IsNonSpecific)
            {
                return Tagged(scalar, path);
            }

            return scalar.Style == ScalarStyle.Plain ? YamlScalars.Resolve(scalar.Value) : JsonValue.Create(scalar.Value);
        }
        catch (FormatException error)
        {
            throw Error(path, scalar.Start, error.Message);
        }
    }

    private JsonNode? Tagged(Scalar scalar, string path)
    {
        const string Core = "tag:yaml.org,2002:";
        if (scalar.Tag.Value == Core + "str")
        {
            return JsonValue.Create(scalar.Value);
        }

        JsonNode? value = YamlScalars.Resolve(scalar.Value);
        bool right = scalar.Tag.Value switch
        {
            Core + "null" => value is null,
            Core + "bool" => value?.GetValueKind() is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False,
            Core + "int" => value is JsonValue v && !v.TryGetValue(out double _) && v.GetValueKind() == System.Text.Json.JsonValueKind.Number,
            Core + "float" => value?.GetValueKind() == System.Text.Json.JsonValueKind.Number,
            _ => throw Error(path, scalar.Start, $"tag {scalar.Tag.Value} is unknown", expected: "no tag, !!str, !!int, !!float, !!bool or !!null"),
        };
        return right ? value : throw Error(path, scalar.Start, $"'{scalar.Value}' is not of its tag's type {scalar.Tag.Value}");
    }

    private JsonArray Sequence(string path, int depth)
    {
        JsonArray array = [];
        while (_parser.MoveNext() && _parser.Current is not SequenceEnd)
        {
            array.Add(Node(ConfigPath.Append(path, array.Count), depth + 1));
        }

        return array;
    }

    private JsonObject Mapping(string path, int depth)
    {
        JsonObject group = [];
        while (_parser.MoveNext() && _parser.Current is not MappingEnd)
        {
            ParsingEvent start = _parser.Current!;
            if (start is not Scalar key)
            {
                throw Error(path, start.Start, "a key must be a single word", expected: "key: value");
            }

            string keyPath = ConfigPath.Append(path, key.Value);
            if (key.Value == "<<" && key.Style == ScalarStyle.Plain)
            {
                throw Error(keyPath, key.Start, "merge keys are not supported", suggestion: "an alias for the whole value, or a preset");
            }

            if (group.ContainsKey(key.Value))
            {
                throw Error(keyPath, key.Start, $"key '{key.Value}' appears twice; the first is at {_locations[keyPath]}", "each key once", "leave out one of the two");
            }

            _parser.MoveNext();
            JsonNode? value = Node(keyPath, depth + 1);
            _locations[keyPath] = At(key.Start);
            group[key.Value] = value;
        }

        return group;
    }

    private ConfigLocation At(Mark mark) => new(_source, (int)mark.Line, (int)mark.Column);

    private ConfigException Error(string path, Mark mark, string what, string? expected = null, string? suggestion = null) =>
        new(new ConfigProblem(path, what, At(mark), expected, suggestion));
}
