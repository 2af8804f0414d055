using System.Text.Json.Nodes;

namespace GenoSeq.Training.Configuration;

/// <summary>A configuration as a tree of typed values, each of which knows where it was written. Immutable.</summary>
/// <remarks>
/// Trees merge with the precedence preset &lt; file &lt; override: <c>preset.Merge(file).WithOverrides(arguments)</c>. Groups merge
/// deeply; single values and sequences replace.
/// </remarks>
public sealed class ConfigTree
{
    private readonly JsonObject _root;
    private readonly Dictionary<string, ConfigLocation> _locations;

    private ConfigTree(JsonObject root, Dictionary<string, ConfigLocation> locations)
    {
        _root = root;
        _locations = locations;
    }

    /// <summary>A tree without values.</summary>
    public static ConfigTree Empty { get; } = new([], []);

    /// <summary>A copy of the values, the caller's own.</summary>
    public JsonObject ToNode() => (JsonObject)_root.DeepClone();

    /// <summary>Parses YAML text (see <see cref="YamlScalars"/> for the types of plain scalars).</summary>
    /// <param name="text">One document, a mapping at its root, or nothing.</param>
    /// <param name="source">The name that errors cite: a file path.</param>
    /// <exception cref="ConfigException">The text is malformed; the error gives file, line and column.</exception>
    public static ConfigTree ParseYaml(string text, string source)
    {
        Dictionary<string, ConfigLocation> locations = [];
        return FromRoot(YamlReader.Read(text, source, locations), source, locations);
    }

    /// <summary>Parses JSON text; comments and trailing commas are allowed.</summary>
    /// <inheritdoc cref="ParseYaml" path="/param"/>
    /// <exception cref="ConfigException">The text is malformed; the error gives file, line and column.</exception>
    public static ConfigTree ParseJson(string text, string source)
    {
        Dictionary<string, ConfigLocation> locations = [];
        return FromRoot(JsonReader.Read(text, source, locations), source, locations);
    }

    /// <summary>Reads a file: JSON when its name ends in <c>.json</c>, YAML otherwise.</summary>
    /// <exception cref="ConfigException">The file cannot be read or is malformed.</exception>
    public static ConfigTree Load(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            string what = error is FileNotFoundException or DirectoryNotFoundException
                ? "the configuration file does not exist"
                : "the configuration file cannot be read: " + error.Message;
            throw new ConfigException(new ConfigProblem(string.Empty, what, new ConfigLocation(path)));
        }

        return path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? ParseJson(text, path) : ParseYaml(text, path);
    }

    /// <summary>A tree of values made in code, such as a preset's, all of which cite <paramref name="source"/>.</summary>
    public static ConfigTree FromNode(JsonObject values, string source) =>
        new((JsonObject)values.DeepClone(), new() { [string.Empty] = new ConfigLocation(source) });

    /// <summary>This tree with <paramref name="over"/> laid over it.</summary>
    public ConfigTree Merge(ConfigTree over)
    {
        JsonObject root = ToNode();
        Dictionary<string, ConfigLocation> locations = new(_locations);
        MergeGroup(root, over._root, string.Empty, over, locations);
        return new ConfigTree(root, locations);
    }

    /// <summary>This tree with dotted overrides laid over it, in order: <c>train.steps=500 data.files=[a.fa,b.fa]</c>.</summary>
    /// <remarks>See <see cref="ConfigOverride"/> for the syntax. Every malformed override is reported at once.</remarks>
    /// <exception cref="ConfigException">An override is malformed or leads through a value that is not a group.</exception>
    public ConfigTree WithOverrides(IEnumerable<string> overrides)
    {
        JsonObject root = ToNode();
        Dictionary<string, ConfigLocation> locations = new(_locations);
        List<ConfigProblem> problems = [];
        foreach (string argument in overrides)
        {
            try
            {
                ConfigOverride parsed = ConfigOverride.Parse(argument);
                foreach (string made in parsed.Apply(root))
                {
                    locations[made] = parsed.Location;
                }

                Forget(locations, parsed.Path);
                locations[parsed.Path] = parsed.Location;
            }
            catch (ConfigException error)
            {
                problems.AddRange(error.Problems);
            }
        }

        return problems.Count == 0 ? new ConfigTree(root, locations) : throw new ConfigException(problems);
    }

    /// <summary>The group at a top-level key as a tree of its own, empty where there is none; its values know where they were written.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="ConfigException">What is there is no group.</exception>
    public ConfigTree Part(string key)
    {
        if (_root[key] is not JsonObject group)
        {
            return _root[key] is null ? Empty : throw new ConfigException(new ConfigProblem(key, "this is no group", LocationOf(key), "a mapping of keys to values"));
        }

        Dictionary<string, ConfigLocation> locations = [];
        foreach ((string path, ConfigLocation location) in _locations.Where(l => ConfigPath.IsAtOrBelow(l.Key, key)))
        {
            locations[path[key.Length..].TrimStart('.')] = location;
        }

        if (!locations.ContainsKey(string.Empty) && LocationOf(key) is { } above)
        {
            locations[string.Empty] = above;
        }

        return new ConfigTree((JsonObject)group.DeepClone(), locations);
    }

    /// <summary>This tree without some of its top-level keys.</summary>
    public ConfigTree Without(params ReadOnlySpan<string> keys)
    {
        JsonObject root = ToNode();
        Dictionary<string, ConfigLocation> locations = new(_locations);
        foreach (string key in keys)
        {
            root.Remove(key);
            Forget(locations, key);
        }

        return new ConfigTree(root, locations);
    }

    /// <summary>This tree with one value set, as an override sets it.</summary>
    /// <param name="path">Dotted keys.</param>
    /// <param name="value">The value.</param>
    /// <param name="location">Where it is written.</param>
    /// <exception cref="ConfigException">The path is malformed or leads through a value that is not a group.</exception>
    public ConfigTree With(string path, JsonNode? value, ConfigLocation? location)
    {
        JsonObject root = ToNode();
        Dictionary<string, ConfigLocation> locations = new(_locations);
        var change = ConfigOverride.Of(path, value, location);
        foreach (string made in change.Apply(root))
        {
            locations[made] = change.Location;
        }

        Forget(locations, change.Path);
        locations[change.Path] = change.Location;
        return new ConfigTree(root, locations);
    }

    /// <summary>Where the value at <paramref name="path"/>, or the nearest group above it, was written.</summary>
    public ConfigLocation? LocationOf(string path)
    {
        for (string? at = path; at is not null; at = ConfigPath.Parent(at))
        {
            if (_locations.TryGetValue(at, out ConfigLocation location))
            {
                return location;
            }
        }

        return null;
    }

    private static ConfigTree FromRoot(JsonNode? root, string source, Dictionary<string, ConfigLocation> locations)
    {
        if (root is null or JsonObject)
        {
            return new ConfigTree(root as JsonObject ?? [], locations);
        }

        ConfigLocation at = locations.TryGetValue(string.Empty, out ConfigLocation known) ? known : new ConfigLocation(source);
        string kind = root is JsonArray ? "a sequence" : "a single value";
        throw new ConfigException(new ConfigProblem(string.Empty, "the configuration is " + kind, at, "a mapping of keys to values"));
    }

    private static void MergeGroup(
        JsonObject into, JsonObject over, string path, ConfigTree source, Dictionary<string, ConfigLocation> locations)
    {
        foreach ((string key, JsonNode? value) in over)
        {
            string keyPath = ConfigPath.Append(path, key);
            if (value is JsonObject group && into[key] is JsonObject existing)
            {
                if (source.LocationOf(keyPath) is { } at)
                {
                    locations[keyPath] = at;
                }

                MergeGroup(existing, group, keyPath, source, locations);
                continue;
            }

            into[key] = value?.DeepClone();
            Forget(locations, keyPath);
            foreach ((string known, ConfigLocation location) in source._locations)
            {
                if (ConfigPath.IsAtOrBelow(known, keyPath))
                {
                    locations[known] = location;
                }
            }

            if (!locations.ContainsKey(keyPath) && source.LocationOf(keyPath) is { } inherited)
            {
                locations[keyPath] = inherited;
            }
        }
    }

    private static void Forget(Dictionary<string, ConfigLocation> locations, string path)
    {
        foreach (string known in locations.Keys.Where(known => ConfigPath.IsAtOrBelow(known, path)).ToArray())
        {
            locations.Remove(known);
        }
    }
}
