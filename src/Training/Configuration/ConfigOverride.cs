using System.Text.Json.Nodes;

namespace GenoSeq.Training.Configuration;

/// <summary>One <c>path=value</c> from the command line.</summary>
/// <remarks>
/// The path is dotted keys, with <c>[2]</c> for an existing element of a sequence. The value is a YAML flow value: <c>[a, b]</c>,
/// <c>{a: 1}</c>, a quoted string, or else plain text of which numbers, booleans and <c>null</c> are typed and the rest is a
/// word, colons and <c>#</c> included. An empty value is refused, since it may mean null or the empty string.
/// </remarks>
public sealed class ConfigOverride
{
    private readonly IReadOnlyList<object> _parts;
    private readonly JsonNode? _value;
    private readonly ConfigLocation? _location;

    private ConfigOverride(string argument, IReadOnlyList<object> parts, JsonNode? value, ConfigLocation? location = null)
    {
        _location = location;
        Argument = argument;
        _parts = parts;
        _value = value;
        Path = ConfigPath.Join(parts);
    }

    /// <summary>What the user typed.</summary>
    public string Argument { get; }

    /// <summary>The path it sets.</summary>
    public string Path { get; }

    /// <summary>The source that errors about the value cite.</summary>
    public ConfigLocation Location => _location ?? SourceOf(Argument);

    /// <summary>Parses <paramref name="argument"/>.</summary>
    /// <exception cref="ConfigException">It is malformed; the error names the argument.</exception>
    public static ConfigOverride Parse(string argument)
    {
        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            throw Error(argument, string.Empty, "there is no '='", "path=value, for example train.steps=500");
        }

        string path = argument[..equals].Trim();
        IReadOnlyList<object>? parts = ConfigPath.Split(path);
        if (parts is null)
        {
            throw Error(argument, string.Empty, $"'{path}' is not a dotted path", "words joined by dots, for example model.d_model");
        }

        string text = argument[(equals + 1)..].Trim();
        if (text.Length == 0)
        {
            throw Error(argument, path, "there is no value after '='", $"{path}=null, or {path}='\"\"' for an empty string");
        }

        return new ConfigOverride(argument, parts, Value(argument, path, text));
    }

    /// <summary>An override of a value that is there already.</summary>
    /// <exception cref="ConfigException">The path is malformed.</exception>
    internal static ConfigOverride Of(string path, JsonNode? value, ConfigLocation? location) =>
        new(path, ConfigPath.Split(path) ?? throw new ConfigException(new ConfigProblem(path, "this is not a dotted path", location, "words joined by dots, for example model.d_model")),
            value, location);

    /// <summary>Sets the value in <paramref name="root"/>, making the groups that lead to it.</summary>
    /// <returns>The paths of the groups made.</returns>
    internal IReadOnlyList<string> Apply(JsonObject root)
    {
        List<string> made = [];
        JsonNode at = root;
        for (int i = 0; i < _parts.Count; i++)
        {
            bool last = i == _parts.Count - 1;
            if (_parts[i] is int index)
            {
                at = Element(at, index, i, last);
            }
            else
            {
                at = Member(at, (string)_parts[i], i, last, made);
            }
        }

        return made;
    }

    private JsonNode Member(JsonNode at, string key, int depth, bool last, List<string> made)
    {
        if (at is not JsonObject group)
        {
            throw Error(Argument, Path, $"'{PathTo(depth)}' is not a group, so it has no key '{key}'", "a path through groups only");
        }

        if (last)
        {
            group[key] = _value?.DeepClone();
            return group;
        }

        if (group[key] is { } there)
        {
            return there;
        }

        if (_parts[depth + 1] is not string)
        {
            throw Error(Argument, Path, $"'{PathTo(depth + 1)}' is not there to be indexed", "the whole sequence, for example [a, b]");
        }

        made.Add(PathTo(depth + 1));
        JsonObject fresh = [];
        group[key] = fresh;
        return fresh;
    }

    private JsonNode Element(JsonNode at, int index, int depth, bool last)
    {
        if (at is not JsonArray array || index >= array.Count)
        {
            string what = at is JsonArray short_
                ? FormattableString.Invariant($"'{PathTo(depth)}' has {short_.Count} elements, so none has index {index}")
                : $"'{PathTo(depth)}' is not a sequence";
            throw Error(Argument, Path, what, "the index (from 0) of an existing element");
        }

        if (last)
        {
            array[index] = _value?.DeepClone();
            return array;
        }

        return array[index] ?? (array[index] = new JsonObject());
    }

    private static JsonNode? Value(string argument, string path, string text)
    {
        try
        {
            // Only what can be nothing else goes to the YAML parser: "M: M #2", "*.fa" and "&x" are words here.
            return text[0] is '[' or '{' or '"' or '\'' ? YamlReader.Read(text, argument, []) : YamlScalars.Resolve(text);
        }
        catch (ConfigException error)
        {
            throw Error(argument, path, error.Problems[0].What, "a number, a word, [a, b] or {key: value}");
        }
        catch (FormatException error)
        {
            throw Error(argument, path, error.Message, "a finite number, a word, [a, b] or {key: value}");
        }
    }

    private string PathTo(int depth) => ConfigPath.Join(_parts.Take(depth));

    private static ConfigLocation SourceOf(string argument) => new($"override '{argument}'");

    private static ConfigException Error(string argument, string path, string what, string expected) =>
        new(new ConfigProblem(path, what, SourceOf(argument), expected));
}
