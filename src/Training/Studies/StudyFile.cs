using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Studies;

/// <summary>Reads studies. A study's file has the keys of <see cref="StudyConfig"/>, and four more:</summary>
/// <remarks>
/// <para><c>base</c>: settings of a cell (<see cref="StudyCellConfig"/>) that all cells begin with.</para>
/// <para><c>models</c>: a list; each entry has a <c>name</c>, and dotted settings that it changes:
/// <c>{ name: mamba, model.layout: mamba }</c>. <c>reference: markov-12</c> makes it a count model, <c>except: { length: [1048576] }</c> leaves
/// conditions out.</para>
/// <para><c>axes</c>: a list; each entry has a <c>name</c> and <c>values</c>: numbers or words that the setting <c>path</c> takes, or groups with
/// a <c>value</c> and the dotted settings that it stands for.</para>
/// <para><c>smoke</c>: the same keys once more, laid over the others for a run at toy size; its <c>axes</c> and <c>models</c> name what is kept:
/// <c>axes: { pairs: [4] }</c>.</para>
/// </remarks>
public static class StudyFile
{
    private const string BaseKey = "base";
    private const string ModelsKey = "models";
    private const string AxesKey = "axes";
    private const string SmokeKey = "smoke";
    private const string NameKey = "name";
    private const string ValueKey = "value";
    private const string ReferenceKey = "reference";
    private const string ExceptKey = "except";

    /// <summary>Reads a study from a YAML or JSON file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overrides">Arguments <c>path=value</c>, such as <c>base.budget.tokens=1e6</c>.</param>
    /// <param name="smoke">At toy size, as its <c>smoke</c> says.</param>
    /// <exception cref="ConfigException">Every problem at once.</exception>
    public static Study Load(string path, IEnumerable<string>? overrides = null, bool smoke = false)
    {
        ConfigTree tree = ConfigTree.Load(path);
        JsonObject? kept = null;
        if (smoke)
        {
            ConfigTree small = tree.Part(SmokeKey);
            kept = small.ToNode();
            tree = tree.Merge(small.Without(AxesKey, ModelsKey));
        }

        tree = tree.WithOverrides(overrides ?? []);
        StudyConfig config = ConfigBinder.Bind(Worded(tree.Without(BaseKey, ModelsKey, AxesKey, SmokeKey)), StudyJson.Default.StudyConfig);
        JsonObject root = tree.ToNode();
        var problems = new List<ConfigProblem>();
        StudyModel[] models = [.. Entries(root, tree, ModelsKey, problems).Select(e => Model(e.Entry, e.Path, tree, problems))];
        StudyAxis[] axes = [.. Entries(root, tree, AxesKey, problems).Select(e => Axis(e.Entry, e.Path, tree, problems))];
        if (models.Length == 0) problems.Add(new ConfigProblem(ModelsKey, "there are none", tree.LocationOf(ModelsKey), "a list of models", "- { name: mamba, model.layout: mamba }"));
        Unique(models.Select(m => StudyCell.FileName(m.Name)), ModelsKey, tree, problems);
        Unique(axes.Select(a => a.Name), AxesKey, tree, problems);
        Names(config, models, axes, tree, problems);
        if (kept is not null)
        {
            models = Kept(models, kept, tree, problems);
            axes = [.. axes.Select(a => Kept(a, kept, tree, problems))];
        }

        return problems.Count == 0 ? new Study(config, models, axes, tree.Part(BaseKey)) : throw new ConfigException(problems);
    }

    // Values of conditions are words; in a file they may stand as the numbers that they are.
    private static ConfigTree Worded(ConfigTree tree)
    {
        JsonObject root = tree.ToNode();
        foreach (string key in new[] { "claims", "plots" })
        {
            foreach ((JsonObject at, string path) in Places(root[key], key))
            {
                foreach ((string condition, JsonNode? value) in at)
                {
                    tree = value is JsonValue v && !v.TryGetValue(out string? _) ? tree.With($"{path}.{condition}", Text(value), tree.LocationOf($"{path}.{condition}")) : tree;
                }
            }
        }

        return tree;
    }

    // Every group that is called `at`, however deep.
    private static IEnumerable<(JsonObject At, string Path)> Places(JsonNode? node, string path) => node switch
    {
        JsonArray list => list.SelectMany((entry, i) => Places(entry, ConfigPath.Append(path, i))),
        JsonObject group => group.SelectMany(e => e is { Key: "at", Value: JsonObject at } ? [(at, $"{path}.at")] : Places(e.Value, $"{path}.{e.Key}")),
        _ => [],
    };

    private static IEnumerable<(JsonObject Entry, string Path)> Entries(JsonObject root, ConfigTree tree, string key, List<ConfigProblem> problems)
    {
        if (root[key] is null)
        {
            yield break;
        }

        if (root[key] is not JsonArray list)
        {
            problems.Add(new ConfigProblem(key, "this is no list", tree.LocationOf(key), "a list of groups, each with a name"));
            yield break;
        }

        for (int i = 0; i < list.Count; i++)
        {
            string path = ConfigPath.Append(key, i);
            if (list[i] is JsonObject entry && entry[NameKey] is JsonValue name && Text(name).Length > 0)
            {
                yield return (entry, path);
            }
            else
            {
                problems.Add(new ConfigProblem(path, "this has no name", tree.LocationOf(path), "a group with a name", "{ name: mamba, model.layout: mamba }"));
            }
        }
    }

    private static StudyModel Model(JsonObject entry, string path, ConfigTree tree, List<ConfigProblem> problems)
    {
        var except = new Dictionary<string, IReadOnlyList<string>>();
        foreach ((string axis, JsonNode? values) in entry[ExceptKey] as JsonObject ?? [])
        {
            except[axis] = values is JsonArray list ? [.. list.Select(Text)] : [Text(values)];
        }

        if (entry[ExceptKey] is not null and not JsonObject)
        {
            problems.Add(new ConfigProblem(ConfigPath.Append(path, ExceptKey), "this is no group", tree.LocationOf(path), "axes and their values", "except: { length: [1048576] }"));
        }

        return new StudyModel(Text(entry[NameKey]), Changes(entry, path, tree, NameKey, ReferenceKey, ExceptKey))
        {
            Reference = entry[ReferenceKey] is { } reference ? Text(reference) : null,
            Except = except,
        };
    }

    private static StudyAxis Axis(JsonObject entry, string path, ConfigTree tree, List<ConfigProblem> problems)
    {
        string? setting = entry["path"] is { } p ? Text(p) : null;
        string at = ConfigPath.Append(path, "values");
        var values = new List<StudyAxisValue>();
        if (entry["values"] is not JsonArray list || list.Count == 0)
        {
            problems.Add(new ConfigProblem(at, "an axis has values", tree.LocationOf(path), "a list", "values: [4, 8, 16]"));
            list = [];
        }

        for (int i = 0; i < list.Count; i++)
        {
            string here = ConfigPath.Append(at, i);
            ConfigLocation? location = tree.LocationOf(here);
            if (list[i] is JsonObject group && group[ValueKey] is not null)
            {
                values.Add(new StudyAxisValue(Text(group[ValueKey]),
                    [.. Of(setting, group[ValueKey]!, location), .. Changes(group, here, tree, ValueKey)]));
            }
            else if (list[i] is JsonValue value && setting is not null)
            {
                values.Add(new StudyAxisValue(Text(value), [.. Of(setting, value, location)]));
            }
            else
            {
                problems.Add(new ConfigProblem(here, setting is null ? "this stands for no setting" : "this has no value", location,
                    "a group with a value and settings, or a path for the axis", "{ value: small, model.d_model: 64 }"));
            }
        }

        Unique(values.Select(v => v.Value), at, tree, problems);
        return new StudyAxis(Text(entry[NameKey]), values);

        static IEnumerable<StudyChange> Of(string? path, JsonNode value, ConfigLocation? location) =>
            path is null ? [] : [new StudyChange(path, value.ToJsonString(), location)];
    }

    private static StudyChange[] Changes(JsonObject entry, string path, ConfigTree tree, params string[] own) =>
        [.. entry.Where(e => !own.Contains(e.Key)).Select(e => new StudyChange(e.Key, e.Value?.ToJsonString() ?? "null", tree.LocationOf(ConfigPath.Append(path, e.Key))))];

    private static StudyModel[] Kept(StudyModel[] models, JsonObject kept, ConfigTree tree, List<ConfigProblem> problems)
    {
        if (kept[ModelsKey] is not JsonArray names)
        {
            return models;
        }

        string[] wanted = [.. names.Select(Text)];
        foreach (string unknown in wanted.Where(w => models.All(m => m.Name != w)))
        {
            problems.Add(new ConfigProblem("smoke.models", $"there is no model '{unknown}'", tree.LocationOf(SmokeKey), string.Join(", ", models.Select(m => m.Name))));
        }

        return [.. models.Where(m => wanted.Contains(m.Name))];
    }

    private static StudyAxis Kept(StudyAxis axis, JsonObject kept, ConfigTree tree, List<ConfigProblem> problems)
    {
        if ((kept[AxesKey] as JsonObject)?[axis.Name] is not JsonArray values)
        {
            return axis;
        }

        string[] wanted = [.. values.Select(Text)];
        foreach (string unknown in wanted.Where(w => axis.Values.All(v => v.Value != w)))
        {
            problems.Add(new ConfigProblem($"smoke.axes.{axis.Name}", $"the axis has no value {unknown}", tree.LocationOf(SmokeKey), string.Join(", ", axis.Values.Select(v => v.Value))));
        }

        return axis with { Values = [.. axis.Values.Where(v => wanted.Contains(v.Value))] };
    }

    // Names that claims, plots and exceptions use must be there: a misspelt one would only be silent.
    private static void Names(StudyConfig config, StudyModel[] models, StudyAxis[] axes, ConfigTree tree, List<ConfigProblem> problems)
    {
        string[] known = [.. models.Select(m => m.Name)];
        for (int i = 0; i < config.Claims.Count; i++)
        {
            StudyClaimConfig claim = config.Claims[i];
            foreach (ClaimSideConfig side in new[] { claim.Of, claim.Against }.Concat(claim.Given).OfType<ClaimSideConfig>().Where(s => !known.Contains(s.Model)))
            {
                string path = ConfigPath.Append("claims", i);
                problems.Add(new ConfigProblem(path, $"there is no model '{side.Model}'", tree.LocationOf(path), string.Join(", ", known)));
            }
        }

        foreach (string axis in config.SweepOver.Where(a => axes.All(x => x.Name != a)))
        {
            problems.Add(new ConfigProblem("sweep_over", $"there is no axis '{axis}'", tree.LocationOf("sweep_over"), string.Join(", ", axes.Select(a => a.Name))));
        }

        foreach (StudyModel model in models)
        {
            foreach (string axis in model.Except.Keys.Where(a => axes.All(x => x.Name != a)))
            {
                problems.Add(new ConfigProblem(ModelsKey, $"'{model.Name}' excepts the unknown axis '{axis}'", tree.LocationOf(ModelsKey), string.Join(", ", axes.Select(a => a.Name))));
            }
        }
    }

    private static void Unique(IEnumerable<string> names, string path, ConfigTree tree, List<ConfigProblem> problems)
    {
        if (names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            problems.Add(new ConfigProblem(path, $"'{twice.Key}' appears twice", tree.LocationOf(path), "different names"));
        }
    }

    /// <summary>A scalar as text: numbers invariantly, whole ones without exponent.</summary>
    internal static string Text(JsonNode? node) => node switch
    {
        null => "",
        JsonValue v when v.TryGetValue(out string? text) => text,
        JsonValue v when v.TryGetValue(out double number) => number == Math.Floor(number) && Math.Abs(number) < 1e15
            ? ((long)number).ToString(CultureInfo.InvariantCulture)
            : number.ToString("R", CultureInfo.InvariantCulture),
        _ => node.ToJsonString(),
    };
}
