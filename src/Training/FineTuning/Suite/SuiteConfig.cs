using System.Text.Json.Serialization;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A benchmark suite: tasks, how models are tuned on them, which models, and what others have published.</summary>
public sealed record SuiteConfig : IValidated
{
    /// <summary>Name of the suite; part of its folder's name.</summary>
    public string Name { get; init; } = "suite";

    /// <summary>Headline of its table.</summary>
    public string Title { get; init; } = "";

    /// <summary>Where its data come from.</summary>
    public string Source { get; init; } = "";

    /// <summary>Folder that the paths of the tasks begin at.</summary>
    public string Root { get; init; } = ".";

    /// <summary>Seeds that every model is tuned with on every task.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [1, 2, 3];

    /// <summary>The tasks, in the order of the table.</summary>
    public IReadOnlyList<SuiteTaskConfig> Tasks { get; init; } = [];

    /// <summary>The recipes.</summary>
    public IReadOnlyList<SuiteRecipeConfig> Recipes { get; init; } = [];

    /// <summary>The models, in the order of the table.</summary>
    public IReadOnlyList<SuiteModelConfig> Models { get; init; } = [];

    /// <summary>Published results, in the order of the table.</summary>
    public IReadOnlyList<PublishedConfig> Published { get; init; } = [];

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
        if (Seeds.Count == 0) yield return "seeds: name at least one";
        if (Repeated(Seeds.Select(s => FormattableString.Invariant($"{s}"))) is { } seed) yield return $"seeds: {seed} appears twice";
        if (Tasks.Count == 0) yield return "tasks: name at least one";
        if (Repeated(Tasks.Select(t => t.Name)) is { } task) yield return $"tasks: the name '{task}' appears twice";
        if (Repeated(Recipes.Select(r => r.Name)) is { } recipe) yield return $"recipes: the name '{recipe}' appears twice";
        if (Repeated(Models.Select(m => m.Name).Concat(Published.Select(p => p.System))) is { } model)
        {
            yield return $"models: the name '{model}' appears twice among models and published systems";
        }

        foreach (SuiteModelConfig m in Models.Where(m => Recipes.All(r => r.Name != m.Recipe)))
        {
            yield return $"models: the recipe '{m.Recipe}' of '{m.Name}' is none of {string.Join(", ", Recipes.Select(r => r.Name))}";
        }

        foreach (SuiteRecipeConfig r in Recipes)
        {
            foreach (string name in r.TaskLearningRates.Keys.Where(IsUnknown)) yield return $"recipes: '{r.Name}' has a learning rate of the unknown task '{name}'";
        }

        foreach (PublishedConfig p in Published)
        {
            foreach (string name in p.Values.Keys.Where(IsUnknown)) yield return $"published: '{p.System}' has a value of the unknown task '{name}'";
            foreach ((string name, double value) in p.Values.Where(v => !IsUnknown(v.Key)))
            {
                string metric = p.Metric ?? Task(name).Metric;
                if (!SuiteMetrics.Holds(metric, value)) yield return $"published: {value} of '{p.System}' on '{name}' is no {metric}";
            }
        }
    }

    /// <summary>The task of a name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public SuiteTaskConfig Task(string name) =>
        Tasks.FirstOrDefault(t => t.Name == name) ?? throw new KeyNotFoundException($"the suite '{Name}' has no task '{name}'");

    /// <summary>Reads a suite from a YAML or JSON file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overrides">Arguments <c>path=value</c>.</param>
    /// <exception cref="ConfigException">Every problem at once.</exception>
    public static SuiteConfig Load(string path, IEnumerable<string>? overrides = null) =>
        ConfigBinder.Bind(ConfigTree.Load(path).WithOverrides(overrides ?? []), SuiteJson.Default.SuiteConfig);

    private bool IsUnknown(string task) => Tasks.All(t => t.Name != task);

    private static string? Repeated(IEnumerable<string> names) =>
        names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
}

/// <summary>Source-generated metadata of suites.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(SuiteConfig))]
public sealed partial class SuiteJson : JsonSerializerContext;
